// The same answers, byte by byte: the server's and those of graphql-js, for what both can know. And the schema that the
// server tells of is the one that it prints.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildSchema, execute, getIntrospectionQuery, introspectionFromSchema, parse, validate } from 'graphql-17';
import { Random } from '../validation/random';
import { data, send, url } from './server';

const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Where two values differ; entries of lists are told apart by their names, as their order is free. */
function differences(wanted: Json | undefined, given: Json | undefined, path: string): string[] {
  if (Array.isArray(wanted) && Array.isArray(given)) {
    const byName = (all: Json[]) => Object.fromEntries(all.map((one) => [String((one as { name?: string }).name ?? JSON.stringify(one)), one]));
    return differences(byName(wanted), byName(given), path);
  }
  if (wanted && given && typeof wanted === 'object' && typeof given === 'object') {
    const [left, right] = [wanted as Record<string, Json>, given as Record<string, Json>];
    return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((name) => differences(left[name], right[name], `${path}/${name}`));
  }
  return wanted === given ? [] : [`${path}: ${JSON.stringify(wanted)} for graphql-js, ${JSON.stringify(given)} here`];
}

test('introspection tells what the contract says', async () => {
  const options = { specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true, oneOf: true };
  const wanted = JSON.parse(JSON.stringify(introspectionFromSchema(schema, options))) as Json;
  const given = data(await send<Json>({ query: getIntrospectionQuery(options) }, {}));
  const found = differences(wanted, given, '').filter((difference) => !/^\/__schema\/directives\/\w+\/(isDeprecated|deprecationReason)/.test(difference));
  // What is not ours is as the specification has it, which graphql-js words differently from version to version.
  const ours = found.filter((difference) => !/^\/__schema\/(types\/__|directives\/(deprecated|include|oneOf|skip|specifiedBy)\/)/.test(difference));
  assert.deepEqual(ours, []);
});

/** Documents about the deployment, with aliases, fragments and conditions, and the fields in every order. */
class Document {
  private readonly fragments: string[] = [];

  constructor(private readonly random: Random) {}

  write(): string {
    const { random } = this;
    const defaults = `$a: Boolean! = ${random.chance(0.5)}, $b: Boolean = true`;
    const used = 'a: __typename @skip(if: $a) b: __typename @skip(if: $b)';
    return [`query(${defaults}) { ${used} ${this.set('Query', 4)} }`, ...this.fragments].join(' ');
  }

  private set(type: 'Query' | 'Deployment', depth: number): string {
    return Array.from({ length: 1 + this.random.below(4) }, () => this.selection(type, depth)).join(' ');
  }

  private selection(type: 'Query' | 'Deployment', depth: number): string {
    const { random } = this;
    if (depth > 0 && random.chance(0.4)) {
      const inside = `{ ${this.set(type, depth - 1)} }`;
      if (random.chance(0.3)) return `...${this.condition()} ${inside}`;
      if (random.chance(0.5)) return `... on ${type}${this.condition()} ${inside}`;
      const name = `F${this.fragments.length}`;
      this.fragments.push(`fragment ${name} on ${type} ${inside}`);
      return `...${name}${this.condition()}`;
    }
    if (type === 'Deployment') {
      const field = random.pick(['__typename', 'version', 'setupRequired']);
      const alias = random.chance(0.4) ? `${random.pick(['x', 'y'])}_${field}: ` : '';
      return `${alias}${field}${this.condition()}`;
    }
    const deployment = random.pick(['', 'one: ', 'two: ']);
    return `${deployment}deployment${this.condition()} { ${this.set('Deployment', depth - 1)} }`;
  }

  private condition(): string {
    const { random } = this;
    const one = () => ` @${random.pick(['skip', 'include'])}(if: ${random.pick(['$a', '$b', 'true', 'false'])})`;
    return random.chance(0.5) ? '' : one();
  }
}

test('answers are those of graphql-js, byte by byte', async () => {
  type Deployment = { deployment: { version: string; setupRequired: boolean } };
  const rootValue = data(await send<Deployment>({ query: '{ deployment { version setupRequired } }' }, {}));
  let compared = 0;
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = new Random(seed);
    const query = new Document(random).write();
    const document = parse(query);
    if (validate(schema, document).length > 0) continue;
    const variables = Object.fromEntries(['a', 'b'].filter(() => random.chance(0.5)).map((name) => [name, random.chance(0.5)]));
    const wanted = JSON.stringify(await execute({ schema, document, rootValue, variableValues: variables }));
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
      body: JSON.stringify({ query, variables }),
    });
    const given = await response.text();
    // Limits of the server's own, which graphql-js knows nothing of.
    if (/"(QUERY_TOO_COMPLEX|DOCUMENT_TOO_LARGE)"/.test(given)) continue;
    assert.equal(given, wanted, `seed ${seed}: ${query} ${JSON.stringify(variables)}`);
    compared += 1;
  }
  assert.ok(compared > 100, `only ${compared} were compared`);
});
