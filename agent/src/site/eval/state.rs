//! What the evaluator knows at one moment: constants, variables, and everything it must doubt.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::bedrock::Bedrock;
use super::names;
use crate::site::environment::Environment;
use crate::site::literal::{Literal, Setting, Source};
use crate::site::php::Function;

/// Work allowed per run, in statements, expressions and 64-byte pieces of copied text: a bound for
/// hostile files, a thousand times what a real configuration takes.
const BUDGET: u64 = 4_000_000;

/// Verbs of a `Doubt`: code of unknown effect ran; a value that is not known went in.
const LOST: &str = "may be set by";
pub(super) const DEPENDS: &str = "depends on";

/// Why something is not known. Reads "NAME `verb` `what`".
#[derive(Debug)]
pub(crate) struct Doubt {
    pub(crate) source: Source,
    pub(crate) verb: &'static str,
    pub(crate) what: String,
}

/// A value, or why it is not known.
pub(crate) type Val = Result<Literal, Rc<Doubt>>;

/// What ends straight execution.
#[derive(Debug)]
pub(crate) enum Flow {
    /// `return` of the current file.
    Return(Val),
    /// WordPress itself is loaded here: the configuration is complete.
    Stop,
    /// `exit`, `die` or an exception.
    Exit(Source),
    /// The work limit was reached; everything is already in doubt.
    Exhausted,
}

pub(crate) type Eval<T> = Result<T, Flow>;

struct Cell {
    /// Surely defined from here on, whatever the value.
    certain: bool,
    value: Val,
    source: Source,
}

/// The evaluator of one configuration.
pub(crate) struct Evaluator<'a> {
    pub(crate) environment: &'a Environment,
    /// ABSPATH without its slash.
    pub(super) root: PathBuf,
    constants: HashMap<Vec<u8>, Cell>,
    pub(super) variables: HashMap<Vec<u8>, (Val, Source)>,
    constants_lost: Option<Rc<Doubt>>,
    variables_lost: Option<Rc<Doubt>>,

    /// Set while the code being read may or may not run.
    pub(super) doubt: Option<Rc<Doubt>>,
    /// The current file may have returned already.
    pub(super) returned: Option<Rc<Doubt>>,
    /// The whole configuration may have ended already.
    pub(super) ended: Option<Rc<Doubt>>,

    pub(super) file: PathBuf,
    pub(super) line: u32,
    pub(super) namespace: Vec<u8>,
    /// Aliases of classes and functions, by kind and lower-case name.
    pub(super) imports: HashMap<(&'static str, Vec<u8>), Vec<u8>>,
    /// Declared so far, with the file; None for those whose effect is unknown.
    pub(super) functions: HashMap<Vec<u8>, Option<(Rc<Function>, PathBuf)>>,
    /// Calls of the configuration's own functions around the current code.
    pub(super) calls: u32,
    /// Functions that the files read so far declare anywhere.
    pub(super) declarable: HashSet<Vec<u8>>,
    pub(crate) included: HashSet<PathBuf>,
    pub(super) depth: u32,
    pub(super) bedrock: Bedrock,
    budget: u64,
}

impl<'a> Evaluator<'a> {
    /// `root` is the directory of `wp-load.php`, symlinks resolved: `wp-load.php` has defined
    /// ABSPATH before the configuration is read.
    pub(crate) fn new(root: &Path, environment: &'a Environment) -> Self {
        let mut absolute = std::os::unix::ffi::OsStrExt::as_bytes(root.as_os_str()).to_vec();
        if !absolute.ends_with(b"/") {
            absolute.push(b'/');
        }
        let source = Source {
            file: root.join("wp-load.php"),
            line: 0,
        };
        let cell = Cell {
            certain: true,
            value: Ok(Literal::Text(absolute)),
            source,
        };
        Self {
            environment,
            root: root.to_owned(),
            constants: HashMap::from([(b"ABSPATH".to_vec(), cell)]),
            variables: HashMap::new(),
            constants_lost: None,
            variables_lost: None,
            doubt: None,
            returned: None,
            ended: None,
            file: PathBuf::new(),
            line: 0,
            namespace: Vec::new(),
            imports: HashMap::new(),
            functions: HashMap::new(),
            calls: 0,
            declarable: HashSet::new(),
            included: HashSet::new(),
            depth: 0,
            bedrock: Bedrock::default(),
            budget: BUDGET,
        }
    }

    pub(crate) fn constant(&self, name: &[u8]) -> Setting {
        let shown = String::from_utf8_lossy(name);
        match (self.constants.get(name), &self.constants_lost) {
            (Some(cell), _) => setting(&shown, &cell.value, &cell.source),
            (None, Some(doubt)) => unresolved(&shown, doubt, &doubt.source),
            (None, None) => Setting::Unset,
        }
    }

    pub(crate) fn variable(&self, name: &[u8]) -> Setting {
        let shown = format!("${}", String::from_utf8_lossy(name));
        match (self.variables.get(name), &self.variables_lost) {
            (_, Some(doubt)) => unresolved(&shown, doubt, &doubt.source),
            (Some((value, source)), None) => setting(&shown, value, source),
            (None, None) => Setting::Unset,
        }
    }

    pub(super) fn here(&self) -> Source {
        Source {
            file: self.file.clone(),
            line: self.line,
        }
    }

    pub(super) fn spend(&mut self, work: usize) -> Eval<()> {
        let work = u64::try_from(work).unwrap_or(u64::MAX);
        match self.budget.checked_sub(work) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => {
                self.taint("code too long to evaluate");
                Err(Flow::Exhausted)
            }
        }
    }

    pub(super) fn doubt(&self, verb: &'static str, what: impl Into<String>) -> Rc<Doubt> {
        Rc::new(Doubt {
            source: self.here(),
            verb,
            what: what.into(),
        })
    }

    /// An unknown value: "NAME depends on `what`".
    pub(super) fn unknown<T>(&self, what: impl Into<String>) -> Result<T, Rc<Doubt>> {
        Err(self.doubt(DEPENDS, what))
    }

    /// Code of unknown effect ran: whatever is not defined yet may be anything, and variables may
    /// be references to each other from now on.
    pub(super) fn taint(&mut self, what: impl Into<String>) {
        let doubt = self.doubt(LOST, what);
        self.constants_lost.get_or_insert_with(|| doubt.clone());
        self.variables_lost.get_or_insert(doubt);
    }

    /// Some constant was defined, and we do not know which.
    pub(super) fn taint_constants(&mut self, what: impl Into<String>) {
        let doubt = self.doubt(LOST, what);
        self.constants_lost.get_or_insert(doubt);
    }

    pub(super) fn define(&mut self, name: &[u8], value: Val, source: Source) {
        let certain = self.doubt.is_none();
        if let Some(cell) = self.constants.get_mut(name) {
            // First wins; after a doubtful first one, the name exists but its value stays open.
            cell.certain |= certain;
            return;
        }
        let value = match (&self.doubt, &self.constants_lost) {
            (Some(doubt), _) | (None, Some(doubt)) => Err(doubt.clone()),
            (None, None) => value,
        };
        self.constants.insert(
            name.to_vec(),
            Cell {
                certain,
                value,
                source,
            },
        );
    }

    /// `defined(name)`.
    pub(super) fn is_defined(&self, name: &[u8]) -> Result<bool, Rc<Doubt>> {
        match (self.constants.get(name), &self.constants_lost) {
            (Some(cell), _) if cell.certain => Ok(true),
            (
                Some(Cell {
                    value: Err(doubt), ..
                }),
                _,
            )
            | (None, Some(doubt)) => Err(self.through(name, doubt)),
            _ if names::is_outside(name) => {
                self.unknown(format!("{}, which PHP or the request defines", lossy(name)))
            }
            _ => Ok(false),
        }
    }

    pub(super) fn constant_value(&self, name: &[u8]) -> Val {
        match (self.constants.get(name), &self.constants_lost) {
            (
                Some(Cell {
                    value: Ok(value), ..
                }),
                _,
            ) => Ok(value.clone()),
            (
                Some(Cell {
                    value: Err(doubt), ..
                }),
                _,
            ) => Err(self.through(name, doubt)),
            (None, _) => match names::value(name) {
                Some(value) => Ok(value),
                None => match &self.constants_lost {
                    Some(doubt) => Err(self.through(name, doubt)),
                    None => self.unknown(format!("{}, which is not defined here", lossy(name))),
                },
            },
        }
    }

    /// A doubt seen through one more name; long chains are cut.
    fn through(&self, name: &[u8], doubt: &Doubt) -> Rc<Doubt> {
        let Doubt { verb, what, .. } = doubt;
        let what = if what.len() > 200 {
            what.clone()
        } else {
            format!("{}, which {verb} {what}", lossy(name))
        };
        self.doubt(DEPENDS, what)
    }

    pub(super) fn assign(&mut self, name: &[u8], value: Val) {
        let value = match &self.doubt {
            Some(doubt) => Err(doubt.clone()),
            None => value,
        };
        self.variables.insert(name.to_vec(), (value, self.here()));
    }

    pub(super) fn unset(&mut self, name: &[u8]) {
        if self.doubt.is_none() {
            self.variables.remove(name);
        } else {
            self.assign(name, Ok(Literal::Null));
        }
    }

    pub(super) fn variable_value(&self, name: &[u8]) -> Val {
        match (self.variables.get(name), &self.variables_lost) {
            (Some((value, _)), None) => value.clone(),
            (_, Some(doubt)) => Err(doubt.clone()),
            (None, None) => self.unknown(format!("${}, which is not set here", lossy(name))),
        }
    }

    /// Runs code that may not run at all.
    pub(super) fn doubtful<T>(
        &mut self,
        doubt: &Rc<Doubt>,
        code: impl FnOnce(&mut Self) -> Eval<T>,
    ) -> Eval<Option<T>> {
        let before = self.doubt.clone();
        self.doubt.get_or_insert_with(|| doubt.clone());
        let mut value = None;
        match code(self) {
            Ok(seen) => value = Some(seen),
            Err(Flow::Return(_)) => self.returned = Some(doubt.clone()),
            Err(Flow::Stop) => self.ended = Some(doubt.clone()),
            // Where it exits there is no site; only the other way matters.
            Err(Flow::Exit(_)) => {}
            Err(Flow::Exhausted) => return Err(Flow::Exhausted),
        }
        self.doubt = before
            .or_else(|| self.returned.clone())
            .or_else(|| self.ended.clone());
        Ok(value)
    }
}

pub(super) fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name.get(..80).unwrap_or(name)).into_owned()
}

fn setting(name: &str, value: &Val, source: &Source) -> Setting {
    match value {
        Ok(value) => Setting::Value {
            value: value.clone(),
            source: source.clone(),
        },
        // The line to look at is the definition, or the code that may have come before it.
        Err(doubt) if doubt.verb == LOST => unresolved(name, doubt, &doubt.source),
        Err(doubt) => unresolved(name, doubt, source),
    }
}

fn unresolved(name: &str, doubt: &Doubt, source: &Source) -> Setting {
    let reason = format!("{name} {} {}", doubt.verb, doubt.what);
    Setting::Unresolved {
        source: source.clone(),
        reason,
    }
}
