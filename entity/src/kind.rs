//! Closed sets of values that columns hold as text.

use sea_orm::entity::prelude::*;

macro_rules! kind {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
        #[sea_orm(rs_type = "String", db_type = "Text")]
        pub enum $name {
            $($(#[$variant_doc])* #[sea_orm(string_value = $text)] $variant),*
        }

        impl $name {
            /// The text that the column holds.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),*
                }
            }
        }
    )*};
}

kind! {
    /// Whether a user may act.
    UserStatus {
        /// May act.
        Active = "ACTIVE",
        /// Has not been seen for long; becomes active by signing in.
        Dormant = "DORMANT",
        /// Has no permission at all.
        Suspended = "SUSPENDED",
    }

    /// How a user signs in.
    LoginType {
        /// With a password kept here.
        Password = "PASSWORD",
        /// With an identity provider.
        Oidc = "OIDC",
        /// Not at all (service accounts).
        None = "NONE",
    }

    /// Who manages a group's members.
    GroupSource {
        /// People, here.
        User = "USER",
        /// Claims of an identity provider.
        Oidc = "OIDC",
        /// A SCIM client.
        Scim = "SCIM",
    }

    /// What a job does.
    JobType {
        /// Reads a template version's module.
        TemplateImport = "TEMPLATE_IMPORT",
        /// Plans a template version with parameters, changing nothing.
        TemplateDryRun = "TEMPLATE_DRY_RUN",
        /// Starts, stops or deletes a workspace.
        WorkspaceBuild = "WORKSPACE_BUILD",
    }

    /// Where a job stands.
    JobState {
        /// Waits for a daemon.
        Pending = "PENDING",
        /// A daemon works on it.
        Running = "RUNNING",
        /// A daemon was told to stop working on it.
        Canceling = "CANCELING",
        /// Ended well.
        Succeeded = "SUCCEEDED",
        /// Ended with an error.
        Failed = "FAILED",
        /// Ended because somebody asked for it.
        Canceled = "CANCELED",
    }

    /// How much a log line matters.
    LogLevel {
        /// Finest detail.
        Trace = "TRACE",
        /// For those who look for a fault.
        Debug = "DEBUG",
        /// What happens.
        Info = "INFO",
        /// Worth a look.
        Warn = "WARN",
        /// Why it failed.
        Error = "ERROR",
    }

    /// Who wrote a log line.
    LogSource {
        /// The daemon.
        ProvisionerDaemon = "PROVISIONER_DAEMON",
        /// The engine (Terraform).
        Provisioner = "PROVISIONER",
    }

    /// What an access list entry gives.
    AclRole {
        /// See the template and create workspaces from it.
        Use = "USE",
        /// Also change it.
        Admin = "ADMIN",
    }

    /// What a build does to its workspace.
    Transition {
        /// Brings it up.
        Start = "START",
        /// Takes it down, keeping what the template keeps.
        Stop = "STOP",
        /// Destroys it.
        Delete = "DELETE",
    }

    /// Why a build was made.
    BuildReason {
        /// Somebody asked for it.
        Initiator = "INITIATOR",
        /// The autostart schedule.
        Autostart = "AUTOSTART",
        /// The deadline.
        Autostop = "AUTOSTOP",
        /// Long disuse.
        Dormancy = "DORMANCY",
    }

    /// What a workspace is at, from its latest build.
    WorkspaceStatus {
        /// Its build waits for a provisioner.
        Pending = "PENDING",
        /// Comes up.
        Starting = "STARTING",
        /// Is up.
        Running = "RUNNING",
        /// Goes down.
        Stopping = "STOPPING",
        /// Is down.
        Stopped = "STOPPED",
        /// Is being destroyed.
        Deleting = "DELETING",
        /// Is gone.
        Deleted = "DELETED",
        /// Its build was told to stop.
        Canceling = "CANCELING",
        /// Its build was canceled.
        Canceled = "CANCELED",
        /// Its build failed.
        Failed = "FAILED",
    }

    /// Whether a workspace moves to its template's active version when it starts.
    AutomaticUpdates {
        /// At every start.
        Always = "ALWAYS",
        /// Only when somebody asks.
        Never = "NEVER",
    }
}

impl JobState {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }

    /// Whether a daemon holds the job.
    pub fn is_held(self) -> bool {
        matches!(self, Self::Running | Self::Canceling)
    }
}
