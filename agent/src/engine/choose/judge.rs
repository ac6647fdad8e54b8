//! What the search of active code means for a site: another store, an answer beside the rows, or
//! something to be said. Pure.

use super::refusal::SessionManager;
use crate::site::{Finding, FindingKind};

/// What the search of active code means.
#[derive(Default)]
pub(super) struct Judged {
    /// Another session store.
    pub(super) manager: Option<SessionManager>,
    /// What may answer for sessions that no row holds, in words.
    pub(super) answers: Option<String>,
    /// What may change the result.
    pub(super) unchecked: Vec<String>,
    /// What rarely does.
    pub(super) remarks: Vec<Finding>,
}

/// Says of each finding what follows from it.
pub(super) fn judge(findings: Vec<Finding>) -> Judged {
    let mut judged = Judged::default();
    for finding in findings {
        let Finding { kind, file, line } = &finding;
        match kind {
            FindingKind::ManagerFilter => {
                let (file, line) = (file.clone(), *line);
                judged.manager.get_or_insert(SessionManager { file, line });
            }
            FindingKind::PluggableAuth => judged.unchecked.push(format!(
                "{}:{line} replaces how login cookies are checked; ending sessions may have no \
                 effect there",
                file.display()
            )),
            FindingKind::Unsearched => judged.unchecked.push(format!(
                "{} is active code that could not be searched for another session store",
                file.display()
            )),
            FindingKind::MetadataAnswer => {
                let text = || {
                    format!(
                        "{}:{line} answers for user meta (get_user_metadata)",
                        file.display()
                    )
                };
                judged.answers.get_or_insert_with(text);
            }
            // A class alone changes nothing without the filter; what stops WordPress's own
            // writes stops none of ours. Doctor names both.
            FindingKind::ManagerClass | FindingKind::MetadataFilter => judged.remarks.push(finding),
        }
    }
    judged
}

/// What is worth a remark, for people.
pub fn remark(finding: &Finding) -> Option<String> {
    let what = match finding.kind {
        FindingKind::ManagerClass => "extends a session class of WordPress",
        FindingKind::MetadataFilter => {
            "filters writes of user meta (add_, update_ or delete_user_metadata)"
        }
        FindingKind::ManagerFilter
        | FindingKind::MetadataAnswer
        | FindingKind::PluggableAuth
        | FindingKind::Unsearched => return None,
    };
    Some(format!(
        "{}:{} {what}",
        finding.file.display(),
        finding.line
    ))
}
