//! Everybody who might ask.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Value, json};

use crate::support::upload::{Template, docker_dev};
use crate::support::{Org, Person, TestApp};

/// Somebody who asks, and the heading of their column.
pub(super) struct Asker {
    pub(super) heading: &'static str,
    pub(super) token: Option<String>,
    /// Who they are, and their role, where they belong to the organization that is asked about.
    member: Option<(Person, Option<&'static str>)>,
    /// What stands for something of the owner's when they ask: their own.
    theirs: BTreeMap<String, String>,
}

impl Asker {
    /// An input as they send it.
    pub(super) fn input(&self, input: &Value) -> Value {
        let own = |text: String, (owners, theirs): (&String, &String)| text.replace(owners, theirs);
        serde_json::from_str(&self.theirs.iter().fold(input.to_string(), own)).unwrap()
    }
}

/// Stands in an input for the user who sends it.
pub(crate) const ONESELF: &str = "«oneself»";

/// The columns of the matrix.
pub(crate) struct Cast {
    pub(super) askers: Vec<Asker>,
}

/// Roles at the site, by their headings.
const SITE: [(&str, &str); 3] =
    [("user-admin", "user-admin"), ("template-admin", "template-admin"), ("auditor", "auditor")];

/// Roles in an organization: the heading inside it, that of the same role in another one, and the role.
const ORGANIZATION: [(&str, &str, &str); 6] = [
    ("org-admin", "admin elsewhere", "organization-admin"),
    ("org-user-admin", "user-admin elsewhere", "organization-user-admin"),
    ("org-template-admin", "template-admin elsewhere", "organization-template-admin"),
    ("org-auditor", "auditor elsewhere", "organization-auditor"),
    ("creation ban", "ban elsewhere", "organization-workspace-creation-ban"),
    ("custom role", "custom elsewhere", CUSTOM),
];

/// The custom role, of the same name in both organizations.
const CUSTOM: &str = "cast-role";
const CUSTOM_PERMISSIONS: [&str; 3] = ["GROUP_UPDATE", "MEMBER_READ_CONTACT", "WORKSPACE_READ"];

/// The only scope of the narrow token, which an org-admin has made for their organization alone.
const NARROW_SCOPE: &str = "WORKSPACE_READ";

impl Cast {
    /// Everybody, asking about what is in `home`; `elsewhere` is another organization of the same deployment.
    pub(crate) async fn of(app: &TestApp, owner: &Person, home: &Org, elsewhere: &Org) -> Self {
        let mut askers = Vec::new();
        let mut add = |heading, token: Option<&str>, member| {
            let token = token.map(str::to_owned);
            askers.push(Asker { heading, token, member, theirs: BTreeMap::new() });
        };
        add("owner", Some(&owner.token), None);
        for (heading, role) in SITE {
            add(heading, Some(&app.user(owner, &format!("cast-{heading}"), &[role]).await.token), None);
        }
        for org in [home, elsewhere] {
            app.role(owner, org, CUSTOM, &CUSTOM_PERMISSIONS).await;
        }
        let mut admin = None;
        for (heading, _, role) in ORGANIZATION {
            let username = format!("cast-{}", heading.replace(' ', "-"));
            let person = app.member_of(owner, home, &username, &[role]).await;
            add(heading, Some(&person.token), Some((person.clone(), Some(role))));
            admin.get_or_insert(person);
        }
        let narrow = json!({ "name": "narrow", "scopes": [NARROW_SCOPE], "organizationId": home.id });
        let (_, narrow) = app.api_token(&admin.expect("the first role is an admin's"), narrow).await;
        add("narrow token", Some(&narrow.token), None);
        let member = app.member_of(owner, home, "cast-member", &[]).await;
        add("member", Some(&member.token), Some((member.clone(), None)));
        for (_, heading, role) in ORGANIZATION {
            let username = format!("cast-{}", heading.replace(' ', "-"));
            add(heading, Some(&app.member_of(owner, elsewhere, &username, &[role]).await.token), None);
        }
        let neighbour = app.member_of(owner, elsewhere, "cast-elsewhere", &[]).await;
        add("member elsewhere", Some(&neighbour.token), None);
        add("stranger", Some(&app.user(owner, "cast-stranger", &[]).await.token), None);
        let suspended = app.member_of(owner, home, "cast-suspended", &["organization-admin"]).await;
        let suspend = "update \"user\" set status = 'SUSPENDED' where username = 'cast-suspended'";
        app.tables().execute_on(suspend, suspend).await;
        add("suspended", Some(&suspended.token), None);
        add("anonymous", None, None);
        Self { askers }
    }

    /// Adds a column.
    pub(crate) fn add(&mut self, heading: &'static str, token: &str) {
        let token = Some(token.to_owned());
        self.askers.push(Asker { heading, token, member: None, theirs: BTreeMap::new() });
    }

    /// Gives everybody what has to be one's own where who may do something is the question: an archive, in place of the
    /// owner's `file`, and to those of the organization an empty one where they hold the same role, in place of `empty`.
    pub(crate) async fn provide(&mut self, app: &TestApp, owner: &Person, file: &str, empty: &Org) {
        for (at, asker) in self.askers.iter_mut().enumerate() {
            let token = asker.token.as_deref();
            let viewer = app.graphql(token, "{ viewer { id } }", json!({})).await;
            if let Some(id) = viewer["data"]["viewer"]["id"].as_str() {
                asker.theirs.insert(ONESELF.to_owned(), id.to_owned());
            }
            let (status, kept) = app.put_file(token, docker_dev()).await;
            if status == StatusCode::CREATED {
                asker.theirs.insert(file.to_owned(), kept["id"].as_str().unwrap().to_owned());
            }
            let Some((person, role)) = &asker.member else { continue };
            let own = app.organization(owner, &format!("cast-own-{at}")).await;
            if *role == Some(CUSTOM) {
                app.role(owner, &own, CUSTOM, &CUSTOM_PERMISSIONS).await;
            }
            app.join(owner, &own, person, role.as_slice()).await;
            if *role == Some(ORGANIZATION[0].2) {
                // Whoever made it would be left in it.
                let leave = format!(
                    "delete from organization_member
                     where organization_id = (select id from organization where name = '{}')
                       and user_id = (select id from \"user\" where username = '{}')",
                    own.name, owner.username
                );
                app.tables().execute(&leave).await;
            }
            asker.theirs.insert(empty.id.clone(), own.id);
        }
    }

    /// What is to be known of some columns.
    pub(super) fn notes() -> String {
        let custom = CUSTOM_PERMISSIONS.join(", ");
        format!(
            "custom role: {custom}\nnarrow token: of an org-admin, for their organization, {NARROW_SCOPE}"
        )
    }

    /// A table with a column for everybody and these rows.
    pub(super) fn table<'a>(&self, rows: impl Iterator<Item = (&'a str, &'a [char])> + Clone) -> String {
        let width = rows.clone().map(|(name, _)| name.len()).max().unwrap_or_default();
        let height = self.askers.iter().map(|asker| asker.heading.len()).max().unwrap_or_default();
        let mut table = String::new();
        // Headings stand upright: there are many of them.
        for line in 0..height {
            let letter = |heading: &str| {
                let blank = height - heading.len();
                heading.chars().nth(line.wrapping_sub(blank)).unwrap_or(' ')
            };
            let letters: String = self.askers.iter().flat_map(|asker| [letter(asker.heading), ' ']).collect();
            table += format!("{:width$}  {letters}", "").trim_end();
            table.push('\n');
        }
        for (name, cells) in rows {
            let cells: String = cells.iter().flat_map(|cell| [*cell, ' ']).collect();
            table += format!("{name:width$}  {cells}").trim_end();
            table.push('\n');
        }
        table
    }
}

/// A member whom the access lists of these templates make their administrator.
pub(crate) async fn listed(app: &TestApp, owner: &Person, org: &Org, templates: &[&Template]) -> Person {
    let person = app.member_of(owner, org, "cast-listed", &[]).await;
    for template in templates {
        let entries = json!([{ "userId": person.id, "role": "ADMIN" }]);
        let input = json!({ "templateId": template.id, "entries": entries });
        app.done(&owner.token, "setTemplateAccess", "", input).await;
    }
    person
}

/// What stands for nothing to be told about the field: the thing itself is not there for who asks.
pub(super) const ABSENT: char = '·';
/// Visible, but not allowed.
pub(super) const FORBIDDEN: char = '✗';
/// It works.
pub(super) const GRANTED: char = '✓';
/// Nobody is signed in.
pub(super) const UNAUTHENTICATED: char = '?';

/// The outcome of a top-level error.
pub(super) fn of_code(code: &str) -> Option<char> {
    match code {
        "FORBIDDEN" => Some(FORBIDDEN),
        "UNAUTHENTICATED" => Some(UNAUTHENTICATED),
        "NOT_FOUND" => Some(ABSENT),
        _ => None,
    }
}
