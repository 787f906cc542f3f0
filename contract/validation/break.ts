// Small changes to a document and to variables. Most make them invalid, some do not: the judges decide.

import {
  type ASTNode,
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  type ValueNode,
  parse,
  parseType,
  parseValue,
  print,
  visit,
} from 'graphql-17';
import type { Random } from './random';

type Mutable = Record<string, unknown> & { kind: string };

const VALUES = ['1', '-1', '1.5', '12345678901', '"text"', '""', 'true', 'null', 'START', 'nope', '[]', '[1]', '["a", null]', '{}', '{name: "a"}', '{id: "a", name: "b"}', '$undefined', '{nope: 1}', '"""block"""', '1e3', '{name: null}', '{id: $undefined}'];
const DIRECTIVES = ['@skip(if: true)', '@include(if: $undefined)', '@skip', '@nope', '@skip(if: "yes")', '@skip(if: true) @skip(if: true)', '@oneOf', '@deprecated', '@specifiedBy(url: "x")', '@requires(resource: "A", action: "B")', '@include(unless: true)', '@skip(if: null)', '@include(if: true, if: true)'];
const TYPES = ['Int', 'Int!', 'String', 'String!', '[String]', '[String!]!', 'ID', 'ID!', 'Boolean', 'Float', 'Query', 'Nope', 'OrganizationBy', 'OrganizationBy!', 'DateTime', '[ID!]!', '[[ID]]', 'PageInfo', 'Node', 'WorkspaceTransition', 'WorkspaceTransition!'];
const DEFINITIONS = ['fragment Unused on Query { __typename }', 'fragment F0 on Query { __typename }', 'query Q { __typename }', '{ __typename }', 'query Other { __typename }', 'type Nope { a: Int }', 'extend type Query { a: Int }', 'fragment Circle on Query { ...Circle }', 'fragment Nowhere on Nope { a }', 'fragment Leaf on String { a }', 'schema { query: Query }', 'subscription S { __typename }', 'subscription S { provisionerJobLogs(jobId: "a") { cursor } again: provisionerJobLogs(jobId: "a") { cursor } }', 'query Twice($a: ID, $a: ID) { node(id: $a) { id } }'];
const SELECTIONS = ['nope', '__typename', '__schema { queryType { name } }', '...Nowhere', '... on Nope { a }', '... on String { a }', 'id', 'id { a }', 'name: id', 'id: __typename', '... @include(if: true) { __typename }', '... on Query { viewer { id } }', '... on Node { id }', 'a0: __typename', 'nodes { id }', '__type(name: "Query") { name fields { name } }', 'viewer { id } viewer { id username }', 'viewer { a: id } viewer { a: username }'];

/** The document with one to three changes. */
export function broken(schema: GraphQLSchema, query: string, random: Random): string {
  const document = structuredClone(parse(query, { noLocation: true })) as DocumentNode;
  for (let count = 1 + random.below(2); count > 0; count -= 1) change(schema, document, random);
  return print(document);
}

function nodes(document: DocumentNode, ...kinds: Kind[]): Mutable[] {
  const found: Mutable[] = [];
  visit(document, { enter: (node: ASTNode) => void (kinds.includes(node.kind) && found.push(node as unknown as Mutable)) });
  return found;
}

function change(schema: GraphQLSchema, document: DocumentNode, random: Random): void {
  const one = (...kinds: Kind[]) => {
    const found = nodes(document, ...kinds);
    return found.length > 0 ? random.pick(found) : undefined;
  };
  const list = (node: Mutable, name: string) => (node[name] ??= []) as unknown[];
  const drop = (items: unknown[]) => items.splice(random.below(items.length), 1);
  const selection = (text: string) => (parse(`{ ${text} }`, { noLocation: true }).definitions[0] as unknown as { selectionSet: { selections: unknown[] } }).selectionSet.selections;
  const changes: (() => void)[] = [
    () => rename(one(Kind.FIELD), random.pick(['nope', 'id', 'name', '__typename', 'viewer'])),
    () => rename(one(Kind.ARGUMENT), random.pick(['nope', 'id', 'first', 'by'])),
    () => rename(one(Kind.OBJECT_FIELD), random.pick(['nope', 'name', 'id'])),
    () => rename(one(Kind.FRAGMENT_SPREAD), random.pick(['F0', 'F1', 'Nope'])),
    () => rename(one(Kind.NAMED_TYPE), random.pick(Object.keys(schema.getTypeMap()))),
    () => rename(one(Kind.VARIABLE), random.pick(['v0', 'v1', 'v2', 'undefined'])),
    () => with_(one(Kind.FIELD), (node) => drop(list(node, 'arguments'))),
    () => with_(one(Kind.FIELD), (node) => list(node, 'arguments').push(...structuredClone(list(node, 'arguments').slice(0, 1)))),
    () => with_(one(Kind.OBJECT), (node) => drop(list(node, 'fields'))),
    () => with_(one(Kind.OBJECT), (node) => list(node, 'fields').push(...structuredClone(list(node, 'fields').slice(0, 1)))),
    () => with_(one(Kind.ARGUMENT, Kind.OBJECT_FIELD), (node) => (node['value'] = valueNode(random.pick(VALUES)))),
    () => with_(one(Kind.ARGUMENT, Kind.OBJECT_FIELD), (node) => (node['value'] = { kind: Kind.LIST, values: [node['value']] })),
    () => with_(one(Kind.VARIABLE_DEFINITION), (node) => (node['type'] = parseType(random.pick(TYPES), { noLocation: true }))),
    () => with_(one(Kind.VARIABLE_DEFINITION), (node) => (node['type'] = loosened(node['type'] as Mutable))),
    () => with_(one(Kind.VARIABLE_DEFINITION), (node) => (node['defaultValue'] = valueNode(random.pick(VALUES.filter((text) => !text.includes('$')))))),
    () => with_(one(Kind.OPERATION_DEFINITION), (node) => drop(list(node, 'variableDefinitions'))),
    () => with_(one(Kind.FIELD, Kind.FRAGMENT_SPREAD, Kind.INLINE_FRAGMENT, Kind.OPERATION_DEFINITION, Kind.FRAGMENT_DEFINITION, Kind.VARIABLE_DEFINITION), (node) => {
      const [field] = selection(`a ${random.pick(DIRECTIVES)}`) as { directives: unknown[] }[];
      list(node, 'directives').push(...(field?.directives ?? []));
    }),
    () => with_(one(Kind.SELECTION_SET), (node) => list(node, 'selections').push(...selection(random.pick(SELECTIONS)))),
    () => with_(one(Kind.SELECTION_SET), (node) => list(node, 'selections').push(...structuredClone(list(node, 'selections').slice(0, 1)))),
    () => with_(one(Kind.FIELD), (node) => (node['selectionSet'] = node['selectionSet'] ? undefined : { kind: Kind.SELECTION_SET, selections: selection('id') })),
    () => with_(one(Kind.FIELD), (node) => (node['alias'] = { kind: Kind.NAME, value: random.pick(['id', 'name', 'a0', 'nodes', 'viewer']) })),
    () => with_(document as unknown as Mutable, (node) => list(node, 'definitions').push(...parse(random.pick(DEFINITIONS), { noLocation: true }).definitions)),
    () => with_(document as unknown as Mutable, (node) => list(node, 'definitions').length > 1 && drop(list(node, 'definitions'))),
    () => with_(one(Kind.OPERATION_DEFINITION), (node) => (node['operation'] = random.pick(['query', 'mutation', 'subscription']))),
  ];
  random.pick(changes)();
}

function with_(node: Mutable | undefined, f: (node: Mutable) => unknown): void {
  if (node) f(node);
}

function rename(node: Mutable | undefined, name: string): void {
  if (node) node['name'] = { kind: Kind.NAME, value: name };
}

/** Without its outer `!`, or with one. */
function loosened(type: Mutable): unknown {
  return type.kind === Kind.NON_NULL_TYPE ? type['type'] : { kind: Kind.NON_NULL_TYPE, type };
}

function valueNode(text: string): ValueNode {
  return parseValue(text, { noLocation: true });
}

/** The variables with one change. */
export function brokenVariables(variables: Record<string, unknown>, random: Random): Record<string, unknown> {
  const names = Object.keys(variables);
  const copy = structuredClone(variables);
  if (names.length === 0 || random.chance(0.1)) return { ...copy, undeclared: 1 };
  const name = random.pick(names);
  const wrong = [null, 1, -1, 1.5, 12_345_678_901, 'text', '', true, [], [1], ['a', null], {}, { name: 'a' }, { id: 'a', name: 'b' }, { nope: 1 }, [[]], { name: null }, { id: 7 }];
  const place = copy[name];
  if (random.chance(0.2)) delete copy[name];
  else if (place !== null && typeof place === 'object' && Object.keys(place).length > 0 && random.chance(0.7)) {
    const inner = place as Record<string, unknown>;
    const key = random.pick(Object.keys(inner));
    if (random.chance(0.3)) delete inner[key];
    else inner[key] = random.pick(wrong);
    if (random.chance(0.2)) inner['nope'] = 1;
  } else copy[name] = random.pick(wrong);
  return copy;
}
