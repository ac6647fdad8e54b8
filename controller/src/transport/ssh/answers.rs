//! What only a person can answer at a login: a server's questions, and passwords.

use russh::MethodKind;
use russh::client::KeyboardInteractiveAuthResponse;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::error::SshError;
use super::login::{Login, Progress};
use crate::transport::{Ask, asked};

/// Times a password is asked for.
pub(super) const PASSWORDS: usize = 3;

/// Rounds of questions a server may put.
const ROUNDS: usize = 8;

/// Questions in one round; nobody would answer more.
const PROMPTS: usize = 8;

/// How much of a question is shown, in characters.
const QUESTION: usize = 512;

impl Login<'_> {
    pub(super) async fn with_answers(
        &mut self,
        user: &str,
        progress: &mut Progress,
    ) -> Result<bool, SshError> {
        let Some(ask) = self.ask else {
            return Ok(false);
        };
        if !progress.may(MethodKind::KeyboardInteractive) {
            return Ok(false);
        }
        let mut answer = self
            .within(progress, |handle| {
                handle.authenticate_keyboard_interactive_start(user, None::<String>)
            })
            .await?;
        for _ in 0..ROUNDS {
            let prompts = match answer {
                KeyboardInteractiveAuthResponse::Success => {
                    progress.tried.push("answers to its questions".to_owned());
                    return Ok(true);
                }
                KeyboardInteractiveAuthResponse::Failure {
                    remaining_methods, ..
                } => {
                    progress.remaining = remaining_methods.to_vec();
                    progress.tried.push("answers to its questions".to_owned());
                    return Ok(false);
                }
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => prompts,
            };
            if prompts.len() > PROMPTS {
                return Err(SshError::Handshake {
                    place: self.place.clone(),
                    why: format!("it asks {} questions at once", prompts.len()),
                });
            }
            let mut answers = Vec::new();
            for prompt in prompts {
                let asked: String = prompt.prompt.chars().take(QUESTION).collect();
                let question = format!("({user}@{}) {asked}", self.place);
                let typed = answered(ask, question, progress).await;
                let Some(typed) = typed else {
                    return Ok(false);
                };
                answers.push(typed.to_string());
            }
            answer = self
                .within(progress, |handle| {
                    handle.authenticate_keyboard_interactive_respond(answers)
                })
                .await?;
        }
        Ok(false)
    }

    pub(super) async fn with_password(
        &mut self,
        user: &str,
        progress: &mut Progress,
    ) -> Result<bool, SshError> {
        let Some(ask) = self.ask else {
            return Ok(false);
        };
        for _ in 0..PASSWORDS {
            if !progress.may(MethodKind::Password) {
                return Ok(false);
            }
            let question = format!("Password of {user}@{}: ", self.place);
            let Some(typed) = answered(ask, question, progress).await else {
                return Ok(false);
            };
            let answer = self.within(progress, |handle| {
                handle.authenticate_password(user, typed.to_string())
            });
            if progress.take(answer.await?) {
                progress.tried.push("a password".to_owned());
                return Ok(true);
            }
        }
        progress.tried.push("passwords".to_owned());
        Ok(false)
    }
}

/// Asks a person, who may think about it for as long as it takes.
async fn answered(
    ask: &Ask,
    question: String,
    progress: &mut Progress,
) -> Option<Zeroizing<String>> {
    let started = Instant::now();
    let typed = asked(ask, question).await;
    progress.deadline += started.elapsed();
    typed
}
