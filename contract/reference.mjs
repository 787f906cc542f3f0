// The reference of the contract, for people: node reference.mjs schema.graphql
//
// Prints docs/SCHEMA.md. The descriptions are those of the schema; nothing is said here that is not said there.
import { readFileSync } from 'node:fs';
import { argv, stdout } from 'node:process';
import {
  buildSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
  isUnionType,
  print,
} from 'graphql';

const schema = buildSchema(readFileSync(argv[2], 'utf8'));
const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
const types = Object.values(schema.getTypeMap())
  .filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type) && !roots.includes(type))
  .sort((a, b) => (a.name < b.name ? -1 : 1));

const lines = [];
const put = (...more) => lines.push(...more);
const text = (description) => (description ?? '').replaceAll(/\s*\n\s*/g, ' ').trim();
const cell = (description) => text(description).replaceAll('|', '\\|');

/** A type with its brackets and bangs, and a link to it. */
function link(type) {
  const { name } = getNamedType(type);
  const whole = String(type);
  if (isSpecifiedScalarType(getNamedType(type))) return `\`${whole}\``;
  const [before, after] = [whole.slice(0, whole.indexOf(name)), whole.slice(whole.indexOf(name) + name.length)];
  const code = (part) => (part ? `\`${part}\`` : '');
  return `${code(before)}[${name}](#${name.toLowerCase()})${code(after)}`;
}

/** `RESOURCE_ACTION` of `@requires`. */
function requirement(node) {
  const directive = node?.directives?.find(({ name }) => name.value === 'requires');
  if (!directive) return '';
  const argument = (name) => directive.arguments.find((one) => one.name.value === name).value.value;
  return ` Needs \`${argument('resource')}_${argument('action')}\`.`;
}

const deprecated = (thing) => (thing.deprecationReason ? ` **Deprecated:** ${cell(thing.deprecationReason)}` : '');
const preset = (node) => (node?.defaultValue ? ` = \`${print(node.defaultValue)}\`` : '');

function inputs(things, what) {
  put(`| ${what} | type | |`, '|---|---|---|');
  for (const one of things) put(`| \`${one.name}\` | ${link(one.type)}${preset(one.astNode)} | ${cell(one.description)}${deprecated(one)} |`);
  put('');
}

function fields(type) {
  put('| field | type | |', '|---|---|---|');
  for (const field of Object.values(type.getFields())) {
    put(`| \`${field.name}\`${field.args.length > 0 ? '(…)' : ''} | ${link(field.type)} | ${cell(field.description)}${requirement(field.astNode)}${deprecated(field)} |`);
  }
  put('');
}

function section(title, members, write, prefix = '') {
  if (members.length === 0) return;
  put(`## ${title}`, '');
  for (const member of members) {
    put(`### ${prefix}${member.name}`, '', text(member.description), '');
    write(member);
  }
}

const PAGING = ['first', 'after', 'last', 'before'];

/** The arguments of a field; those of a page are the same everywhere. */
function args(title, all) {
  const paged = PAGING.every((name) => all.some((one) => one.name === name));
  const own = paged ? all.filter(({ name }) => !PAGING.includes(name)) : all;
  const page = paged ? ', besides those of [a page](API.md#pages)' : '';
  put(`${title}${page}${own.length > 0 ? ':' : ': none.'}`, '');
  if (own.length > 0) inputs(own, 'argument');
}

put('# Reference of the schema', '');
put('Written by `scripts/contract --changelog` from [schema.graphql](../schema.graphql). How to use it is in [API.md](API.md); what');
put('changed since the last release is in [SCHEMA_CHANGELOG.md](SCHEMA_CHANGELOG.md).', '');
for (const root of roots) {
  const write = (field) => {
    put(`Answers ${link(field.type)}.${requirement(field.astNode)}${deprecated(field)}`, '');
    if (field.args.length > 0) args('Arguments', field.args);
  };
  section(root.name, Object.values(root.getFields()), write, `${root.name}.`);
}
section('Objects', types.filter(isObjectType), (type) => {
  const interfaces = type.getInterfaces();
  if (interfaces.length > 0) put(`Implements ${interfaces.map(link).join(', ')}.`, '');
  fields(type);
  for (const field of Object.values(type.getFields())) {
    if (field.args.length === 0) continue;
    args(`Arguments of \`${field.name}\``, field.args);
  }
});
section('Interfaces', types.filter(isInterfaceType), (type) => {
  put(`Implemented by ${schema.getPossibleTypes(type).map(link).join(', ')}.`, '');
  fields(type);
});
section('Unions', types.filter(isUnionType), (type) => put(`One of ${type.getTypes().map(link).join(', ')}.`, ''));
section('Inputs', types.filter(isInputObjectType), (type) => {
  if (type.isOneOf) put('Exactly one of:', '');
  inputs(Object.values(type.getFields()), 'field');
});
section('Enums', types.filter(isEnumType), (type) => {
  put('| value | |', '|---|---|');
  for (const value of type.getValues()) put(`| \`${value.name}\` | ${cell(value.description)}${deprecated(value)} |`);
  put('');
});
section('Scalars', types.filter(isScalarType), (type) => {
  if (type.specifiedByURL) put(`Specified by <${type.specifiedByURL}>.`, '');
});
section('Directives', schema.getDirectives().filter((directive) => !isSpecifiedDirective(directive)), (directive) => {
  put(`On ${directive.locations.map((location) => `\`${location}\``).join(', ')}.`, '');
  inputs(directive.args, 'argument');
});
stdout.write(`${lines.join('\n').trimEnd()}\n`);
