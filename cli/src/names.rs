//! From names on the command line to objects: `NAME` with `--org`, or `ORG/NAME`.

use std::str::FromStr;

use clap::Args;
use guildhall_client::Client;
use guildhall_client::organization::OrganizationRef;

use crate::failure::Failure;
use crate::output::wrapped;

/// The option that names an organization.
#[derive(Debug, Clone, Default, Args)]
pub struct InOrganization {
    /// The organization; may be left out by those who belong to one alone
    #[arg(long = "org", short = 'O', value_name = "ORG")]
    org: Option<String>,
}

/// A name, alone or behind that of its organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scoped {
    pub(crate) organization: Option<String>,
    pub(crate) name: String,
}

impl FromStr for Scoped {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (organization, name) = match text.split_once('/') {
            Some((organization, name)) => (Some(organization), name),
            None => (None, text),
        };
        if name.is_empty() || name.contains('/') || organization == Some("") {
            return Err("expected NAME or ORG/NAME");
        }
        Ok(Self { organization: organization.map(str::to_owned), name: name.to_owned() })
    }
}

impl InOrganization {
    /// As if it had been given.
    pub(crate) fn of(org: Option<String>) -> Self {
        Self { org }
    }

    /// The name given, if any.
    pub(crate) fn given(&self) -> Option<&str> {
        self.org.as_deref()
    }

    /// The name given here or in front of `scoped`, if any.
    pub(crate) fn named<'a>(&'a self, scoped: &'a Scoped) -> Result<Option<&'a str>, Failure> {
        match (self.org.as_deref(), scoped.organization.as_deref()) {
            (Some(option), Some(prefix)) if !option.eq_ignore_ascii_case(prefix) => Err(Failure::usage(
                format!("--org says `{option}`, but `{prefix}/{}` says `{prefix}`", scoped.name),
            )),
            (option, prefix) => Ok(prefix.or(option)),
        }
    }

    /// The organization that is meant.
    pub(crate) async fn resolve(&self, client: &Client) -> Result<OrganizationRef, Failure> {
        organization(client, self.org.as_deref()).await
    }

    /// The organization that is meant for `scoped`.
    pub(crate) async fn resolve_for(
        &self,
        client: &Client,
        scoped: &Scoped,
    ) -> Result<OrganizationRef, Failure> {
        organization(client, self.named(scoped)?).await
    }
}

/// The organization called `name`, or the only one that the signed-in user belongs to.
pub(crate) async fn organization(client: &Client, name: Option<&str>) -> Result<OrganizationRef, Failure> {
    if let Some(name) = name {
        let found = client.organization(name).await?;
        return Ok(OrganizationRef { id: found.id, name: found.name, display_name: found.display_name });
    }
    let own = client.viewer().await?.map(|viewer| viewer.organizations.nodes).unwrap_or_default();
    only(own)
}

fn only(mut own: Vec<OrganizationRef>) -> Result<OrganizationRef, Failure> {
    match (own.pop(), own.as_slice()) {
        (None, _) => Err(Failure::usage("you belong to no organization, so --org must name one")
            .hint("`guildhall organizations list` lists those you can see")),
        (Some(only), []) => Ok(only),
        (Some(last), others) => {
            let names = others.iter().chain([&last]).map(|one| one.name.clone()).collect::<Vec<_>>();
            Err(Failure::usage(format!("you belong to several organizations:\n{}", wrapped(&names)))
                .hint("name one with --org"))
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

    use guildhall_client::Id;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("dev", None, "dev")]
    #[case("data/dev", Some("data"), "dev")]
    fn names_may_carry_their_organization(
        #[case] text: &str,
        #[case] organization: Option<&str>,
        #[case] name: &str,
    ) {
        let scoped: Scoped = text.parse().unwrap();
        assert_eq!((scoped.organization.as_deref(), scoped.name.as_str()), (organization, name));
    }

    #[rstest]
    fn half_a_name_is_refused(#[values("", "/", "/dev", "data/", "a/b/c")] text: &str) {
        assert!(text.parse::<Scoped>().is_err());
    }

    #[test]
    fn option_and_prefix_must_agree() {
        let option = InOrganization { org: Some("data".to_owned()) };
        assert_eq!(option.named(&"Data/dev".parse().unwrap()).unwrap(), Some("Data"));
        assert_eq!(option.named(&"dev".parse().unwrap()).unwrap(), Some("data"));
        assert!(option.named(&"web/dev".parse().unwrap()).is_err());
    }

    #[test]
    fn the_only_organization_is_the_default_and_several_are_listed() {
        let named = |name: &str| OrganizationRef {
            id: Id::new("org_1"),
            name: name.to_owned(),
            display_name: name.to_owned(),
        };
        assert_eq!(only(vec![named("data")]).unwrap().name, "data");
        assert!(only(vec![]).unwrap_err().message.contains("no organization"));
        let failure = only(vec![named("data"), named("web")]).unwrap_err();
        assert!(failure.message.ends_with("data, web"), "{}", failure.message);
    }
}
