//! Documents that ask for everything, generated from the schema.

use crate::support::schema::{Field, Schema};
use crate::support::world::World;

/// How many objects deep.
const DEPTH: usize = 3;

/// Every root field, with everything below; required arguments name things of `world`.
pub(super) fn everything_from_the_roots(schema: &Schema, world: &World) -> Vec<String> {
    schema.fields("Query").iter().flat_map(|field| root(schema, world, field)).collect()
}

/// One root field about `world`, with everything below.
pub(crate) fn everything_from(schema: &Schema, world: &World, root: &str) -> Vec<String> {
    schema
        .fields("Query")
        .iter()
        .filter(|field| field.name == root)
        .flat_map(|field| self::root(schema, world, field))
        .collect()
}

/// Every root field about `world`, with nothing below that says anything.
pub(crate) fn every_root(schema: &Schema, world: &World) -> Vec<String> {
    let document = |field: &Field| {
        let selection = match schema.possible(&field.ty).is_empty() {
            true => "",
            false if schema.fields(&field.ty).iter().any(|part| part.name == "nodes") => {
                "{ nodes { __typename } }"
            }
            false => "{ __typename }",
        };
        let ask = |arguments: &String| format!("{{ {}{arguments} {selection} }}", field.name);
        arguments(world, field).iter().map(ask).collect::<Vec<_>>()
    };
    schema.fields("Query").iter().flat_map(document).collect()
}

/// What a root field is asked with, so that it is about `world`.
fn arguments(world: &World, field: &Field) -> Vec<String> {
    let id = &world.org.id;
    match field.name.as_str() {
        // Every type of node is asked for by `every_node`.
        "node" => vec![format!("(id: \"{id}\")")],
        "nodes" => {
            let ids: Vec<_> = world.nodes.iter().map(|(_, id)| format!("\"{id}\"")).collect();
            vec![format!("(ids: [{}])", ids.join(" "))]
        }
        "organization" => {
            vec![format!("(by: {{ id: \"{id}\" }})"), format!("(by: {{ name: \"{}\" }})", world.org.name)]
        }
        "user" => vec![
            format!("(by: {{ id: \"{}\" }})", world.member.id),
            format!("(by: {{ username: \"{}\" }})", world.member.username),
        ],
        "rateLimit" => vec![String::new(), "(dryRun: true)".to_owned()],
        "compareTemplateVersions" => {
            vec![format!("(from: \"{}\", to: \"{}\")", world.template.version, world.second)]
        }
        "buildCostPreview" => vec![
            format!("(templateVersionId: \"{}\")", world.template.version),
            format!("(workspaceId: \"{}\")", world.workspace),
        ],
        "explainAccess" => vec![
            format!(
                "(permission: TEMPLATE_USE, userId: \"{}\", objectId: \"{}\")",
                world.member.id, world.template.id
            ),
            format!(
                "(permission: TEMPLATE_USE, userId: \"{}\", objectId: \"{}\")",
                world.admin.id, world.template.id
            ),
            format!(
                "(permission: TEMPLATE_UPDATE, userId: \"{}\", objectId: \"{}\")",
                world.member.id, world.template.id
            ),
            format!("(permission: WORKSPACE_CREATE, userId: \"{}\", objectId: \"{id}\")", world.clerk.id),
            format!(
                "(permission: GROUP_CREATE, userId: \"{}\", objectId: \"{}\")",
                world.member.id, world.group
            ),
        ],
        name => {
            let required = field.arguments.iter().find(|argument| argument.is_required);
            assert!(required.is_none(), "teach this test what to give `Query.{name}`");
            let is_list = field.arguments.iter().any(|argument| argument.name == "first");
            vec![if is_list { "(first: 3)".to_owned() } else { String::new() }]
        }
    }
}

fn root(schema: &Schema, world: &World, field: &Field) -> Vec<String> {
    let arguments = arguments(world, field);
    if schema.possible(&field.ty).is_empty() {
        return arguments.iter().map(|arguments| format!("{{ {}{arguments} }}", field.name)).collect();
    }
    let (open, close, inner) = match schema.fields(&field.ty).iter().find(|edge| edge.name == "nodes") {
        Some(nodes) => ("{ totalCount nodes ", " }", nodes.ty.clone()),
        None => ("", "", field.ty.clone()),
    };
    let mut documents = Vec::new();
    for arguments in &arguments {
        if field.name.starts_with("node") {
            documents.push(format!("{{ {}{arguments} {{ __typename id }} }}", field.name));
            continue;
        }
        // Something that has a price, for who asks for prices.
        let beside = if field.name == "rateLimit" { " viewer { __typename }" } else { "" };
        let selection = schema.selection(&field.ty, 1);
        documents.push(format!("{{ {}{arguments} {{ {selection} }}{beside} }}", field.name));
        for part in schema.parts(&inner, DEPTH) {
            documents.push(format!("{{ {}{arguments} {open} {{ __typename {part} }} {close} }}", field.name));
        }
    }
    documents
}

/// `node` of every one of these ids, with everything two objects deep.
pub(crate) fn every_node(schema: &Schema, nodes: &[(&'static str, String)]) -> Vec<String> {
    let node = |(ty, id): &(&'static str, String)| {
        let document =
            |part: String| format!("{{ node(id: \"{id}\") {{ ... on {ty} {{ __typename {part} }} }} }}");
        schema.parts(ty, 2).into_iter().map(document).collect::<Vec<_>>()
    };
    nodes.iter().flat_map(node).collect()
}
