//! Every list that can grow is a connection with a filter, an order and a count.

use crate::support::schema::Schema;

/// What every connection takes.
const ARGUMENTS: [&str; 6] = ["after", "before", "filter", "first", "last", "orderBy"];

/// Connections that lack something, what, and why.
const WITHOUT: &[(&str, &[&str], &str)] = &[(
    "ProvisionerJob.logs",
    &["filter", "orderBy"],
    "a log is read in the order in which it was written, as a whole or from a place on",
)];

/// Lists that are no connections, and why: they can't grow.
const BOUNDED: &[(&str, &str)] = &[
    ("AccessExplanation.deniedBy", "roles of one person in one organization"),
    ("AccessExplanation.grantedBy", "the roles that would do, of those that `Organization.roles` lists"),
    ("Member.roles", "roles of one person in one organization"),
    ("Organization.roles", "built-in roles and the few that an organization makes"),
    ("ProvisionerDaemon.currentJobs", "as many as a daemon carries out at once"),
    ("Query.nodes", "as many as were asked for"),
    ("Query.permissions", "the permissions that there are"),
    ("Query.roles", "the roles of the site, which are code"),
    ("User.siteRoles", "roles of one person"),
];

#[test]
fn every_connection_has_a_filter_an_order_and_a_count() {
    let schema = Schema::committed();
    let mut excused = Vec::new();
    let mut connections = 0;
    for ty in schema.readable() {
        for field in schema.fields(&ty).into_iter().filter(|field| field.ty.ends_with("Connection")) {
            connections += 1;
            let name = format!("{ty}.{}", field.name);
            let mut given: Vec<&str> =
                field.arguments.iter().map(|argument| argument.name.as_str()).collect();
            given.sort_unstable();
            let lacks: Vec<&str> =
                ARGUMENTS.into_iter().filter(|argument| !given.contains(argument)).collect();
            let excuse = WITHOUT.iter().find(|(of, _, _)| *of == name);
            assert_eq!(lacks, excuse.map_or(&[] as &[&str], |(_, without, _)| without), "{name}");
            assert!(given.iter().all(|argument| ARGUMENTS.contains(argument)), "{name} takes {given:?}");
            excused.extend(excuse.map(|(of, _, _)| *of));
            let parts: Vec<String> = schema.fields(&field.ty).into_iter().map(|part| part.name).collect();
            assert_eq!(parts, ["edges", "nodes", "pageInfo", "totalCount"], "{name}");
        }
    }
    assert!(connections > 20, "only {connections} connections");
    assert_eq!(excused.len(), WITHOUT.len(), "these lack nothing any more: {WITHOUT:?}");
}

/// What has an id is listed in pages, or can't be many.
#[test]
fn no_list_of_things_grows_without_pages() {
    let schema = Schema::committed();
    let nodes = schema.possible("Node");
    let mut known = Vec::new();
    for ty in schema.readable() {
        if ty.ends_with("Connection") {
            continue;
        }
        for field in schema.fields(&ty).into_iter().filter(|field| field.is_list) {
            if nodes.contains(&field.ty) || ty == "Query" {
                known.push(format!("{ty}.{}", field.name));
            }
        }
    }
    known.sort_unstable();
    let bounded: Vec<&str> = BOUNDED.iter().map(|(name, _)| *name).collect();
    assert_eq!(known, bounded, "make it a connection, or say why it can't grow");
}
