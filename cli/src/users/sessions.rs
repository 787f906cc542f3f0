//! Where users are signed in.

use clap::Args;
use guildhall_client::Id;
use serde_json::json;

use crate::context::Context;
use crate::failure::Failure;
use crate::listing::Limit;
use crate::output::{Nothing, counted, mark};
use crate::tokens::whose;

/// Whose sessions, and whether to end some.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  guildhall users sessions
  guildhall users sessions ana
  guildhall users sessions --end ses_01h455vb4pex5vsknk084sn02q
  guildhall users sessions ana --end-all")]
pub struct Sessions {
    /// Whose; default: your own
    username: Option<String>,
    /// End this session, by its id
    #[arg(long, value_name = "ID", conflicts_with = "end_all")]
    end: Option<String>,
    /// End all of them but the one in use
    #[arg(long)]
    end_all: bool,
    #[command(flatten)]
    limit: Limit,
}

impl Sessions {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        if let Some(session) = self.end {
            let ended = client.revoke_session(&Id::new(session)).await?;
            return context.output.done(&json!({ "revokedSessionId": ended }), "Ended the session.");
        }
        if self.end_all {
            let user = match &self.username {
                Some(username) => Some(client.user(username).await?.id),
                None => None,
            };
            let ended = client.revoke_all_sessions(user.as_ref(), true).await?;
            let sentence = format!("Ended {}.", counted(ended, "session"));
            return context.output.done(&json!({ "revokedCount": ended }), &sentence);
        }
        let user = whose(&client, self.username).await?;
        let sessions = self.limit.read(async |after| client.sessions(&user, after).await).await?;
        context.output.list(
            &sessions,
            &["ID", "ADDRESS", "CLIENT", "SIGNED IN", "LAST USED", "EXPIRES", "CURRENT"],
            |session| {
                vec![
                    (&session.id).into(),
                    session.ip.as_str().into(),
                    session.user_agent.as_str().into(),
                    session.created_at.into(),
                    session.last_used_at.into(),
                    session.expires_at.into(),
                    mark(session.is_current),
                ]
            },
            &Nothing::of("session"),
        )
    }
}
