use std::time::Duration;

use crate::domain::Role;
use crate::store::{KeyRecord, Session, Store, StoreError, Token};

/// Who may use the console.
pub const CONSOLE_ROLES: &[Role] = &[Role::Analyst, Role::Supervisor, Role::Admin];
/// How long a sign-in link may be used.
pub const SIGN_IN_WITHIN: Duration = Duration::from_secs(60 * 60);
/// How long a session lasts: a working day.
pub const SESSION_FOR: Duration = Duration::from_secs(12 * 60 * 60);

/// What became of a sign-in link.
#[derive(Debug)]
pub enum SignIn {
    /// The token is for the cookie.
    Opened(Session, Token),
    /// The link was good, but its key's role has no business in the console.
    WrongRole(KeyRecord),
    /// Unknown, used, too old, or its key is revoked.
    Unusable,
}

/// Uses a sign-in token up and opens a session for it.
///
/// # Errors
/// When the store does not answer.
pub async fn sign_in(store: &Store, token: &Token) -> Result<SignIn, StoreError> {
    let Some(key) = store.take_sign_in(token).await? else { return Ok(SignIn::Unusable) };
    if !CONSOLE_ROLES.contains(&key.role) {
        return Ok(SignIn::WrongRole(key));
    }
    match store.create_session(&key.id, SESSION_FOR).await {
        Ok((session, token)) => Ok(SignIn::Opened(session, token)),
        // Revoked since.
        Err(StoreError::NotFound { .. }) => Ok(SignIn::Unusable),
        Err(error) => Err(error),
    }
}
