// Random operations that fit a schema, with random variables.

import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredInputField,
} from 'graphql-17';
import type { Random } from './random';

export type Case = { name: string; query: string; variables?: Record<string, unknown> };

/** Deep enough for connections of connections, and cheap enough for the server's limits. */
const DEPTH = 5;

export function operation(schema: GraphQLSchema, random: Random): { query: string; variables: Record<string, unknown> } {
  const kind = random.pick(['query', 'query', 'query', 'mutation', 'subscription'] as const);
  const roots = { query: schema.getQueryType(), mutation: schema.getMutationType(), subscription: schema.getSubscriptionType() };
  const root = roots[kind];
  if (!root) throw new Error(`the schema has no ${kind}`);
  return new Operation(schema, random).write(kind, root);
}

class Operation {
  private readonly definitions: string[] = [];
  private readonly fragments: string[] = [];
  private readonly variables: Record<string, unknown> = {};
  private names = 0;

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly random: Random,
  ) {}

  write(kind: string, root: GraphQLObjectType): { query: string; variables: Record<string, unknown> } {
    const selection = kind === 'query' ? this.set(root, DEPTH) : `{ ${this.fieldOf(root, DEPTH)} }`;
    const variables = this.definitions.length > 0 ? `(${this.definitions.join(', ')})` : '';
    return { query: [`${kind} Q${variables} ${selection}`, ...this.fragments].join('\n'), variables: this.variables };
  }

  private set(type: GraphQLNamedType, depth: number): string {
    const parts: string[] = [];
    for (let count = 1 + this.random.below(3); count > 0; count -= 1) {
      parts.push(this.random.chance(0.2) ? this.fragment(type, depth) : this.fieldOf(type, depth));
    }
    return `{ ${parts.join(' ')} }`;
  }

  private fragment(type: GraphQLNamedType, depth: number): string {
    const condition = isAbstractType(type) ? this.random.pick(this.schema.getPossibleTypes(type)) : type;
    if (this.random.chance(0.5)) return `... on ${condition.name} ${this.set(condition, depth - 1)}`;
    const name = `F${this.names++}`;
    this.fragments.push(`fragment ${name} on ${condition.name} ${this.set(condition, depth - 1)}`);
    return `...${name}`;
  }

  private fieldOf(type: GraphQLNamedType, depth: number): string {
    const all = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
    const fields = all.filter((field) => depth > 0 || !isCompositeType(getNamedType(field.type)));
    if (fields.length === 0 || this.random.chance(0.05)) return '__typename';
    return this.field(this.random.pick(fields), depth);
  }

  private field(field: GraphQLField<unknown, unknown>, depth: number): string {
    const alias = this.random.chance(0.15) ? `a${this.random.below(4)}: ` : '';
    const args = field.args.flatMap((argument) => this.argument(argument));
    const list = args.length > 0 ? `(${args.join(', ')})` : '';
    const condition = this.random.chance(0.08) ? ` @${this.random.pick(['skip', 'include'])}(if: ${this.boolean()})` : '';
    const type = getNamedType(field.type);
    const below = isCompositeType(type) ? ` ${this.set(type, depth - 1)}` : '';
    return `${alias}${field.name}${list}${condition}${below}`;
  }

  private argument(argument: GraphQLArgument): string[] {
    // A page of one keeps the cost of what is below it small.
    if (argument.name === 'first') return ['first: 1'];
    const required = isNonNullType(argument.type) && argument.defaultValue === undefined;
    if (!required && this.random.chance(0.8)) return [];
    return [`${argument.name}: ${this.random.chance(0.5) ? this.variable(argument.type) : literal(value(argument.type, this.random))}`];
  }

  private boolean(): string {
    return this.random.chance(0.5) ? this.variable(undefined) : String(this.random.chance(0.5));
  }

  private variable(type: GraphQLInputType | undefined): string {
    const name = `v${this.names++}`;
    this.definitions.push(`$${name}: ${type ?? 'Boolean!'}`);
    this.variables[name] = type ? plain(value(type, this.random)) : this.random.chance(0.5);
    return `$${name}`;
  }
}

/** An enum's value, which is written without quotes in a document and with them in JSON. */
class Word {
  constructor(readonly text: string) {}
}

function value(type: GraphQLInputType, random: Random, depth = 3): unknown {
  if (isNonNullType(type)) return value(type.ofType, random, depth);
  if (isListType(type)) return Array.from({ length: random.below(3) }, () => value(type.ofType, random, depth - 1));
  if (isEnumType(type)) return new Word(random.pick(type.getValues()).name);
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    const chosen = type.isOneOf
      ? [random.pick(fields)]
      : fields.filter((field) => isRequiredInputField(field) || (depth > 0 && random.chance(0.3)));
    return Object.fromEntries(chosen.map((field) => [field.name, value(field.type, random, depth - 1)]));
  }
  switch (type.name) {
    case 'Int':
      return random.below(5);
    case 'Float':
      return random.next();
    case 'Boolean':
      return random.chance(0.5);
    case 'DateTime':
      return '2026-01-02T03:04:05Z';
    default:
      return random.pick(['nothing', 'org_01h455vb4pex5vsknk084sn02q', '']);
  }
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, inner: unknown) => (inner instanceof Word ? inner.text : inner))) as unknown;
}

function literal(value: unknown): string {
  if (value instanceof Word) return value.text;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (value !== null && typeof value === 'object') {
    return `{${Object.entries(value).map(([name, inner]) => `${name}: ${literal(inner)}`).join(', ')}}`;
  }
  return JSON.stringify(value);
}
