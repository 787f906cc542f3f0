// What is a valid request is no matter of opinion: graphql-js and the server have to agree about every one of these.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type DocumentNode,
  Kind,
  type OperationDefinitionNode,
  buildSchema,
  getVariableValues,
  parse,
  specifiedRules,
  validate,
} from 'graphql-17';
import { broken, brokenVariables } from '../validation/break';
import { cases } from '../validation/cases';
import { type Case, operation } from '../validation/generate';
import { Random } from '../validation/random';
import { url } from './server';

type Verdict = 'syntax' | 'invalid' | 'operation' | 'variables' | 'runs';

const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));

function expected({ query, variables }: Case): Verdict {
  let document: DocumentNode;
  try {
    document = parse(query, { allowEmptySelectionSets: false });
  } catch {
    return 'syntax';
  }
  if (validate(schema, document, specifiedRules).length > 0) return 'invalid';
  const operations = document.definitions.filter(
    (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
  );
  const [only] = operations;
  if (!only || operations.length > 1) return 'operation';
  const coerced = getVariableValues(schema, only.variableDefinitions ?? [], variables ?? {});
  return coerced.errors ? 'variables' : 'runs';
}

/**
 * Where graphql-js is not what it compares with. It takes a nullable variable for the one field of an input that has to
 * stand (section 5.8.5 of the specification has it non-null), and a block string for another argument than the same text
 * in quotes.
 */
const KNOWN = [
  'query($n: String) { organization(by: {name: $n}) { id } }',
  '{ node(id: "a") { id } node(id: """a""") { id } }',
];

/** Why the server did not look: a limit of its own, which graphql-js knows nothing of. */
const LIMITS = new Set(['QUERY_TOO_COMPLEX', 'DOCUMENT_TOO_LARGE', 'RATE_LIMITED']);

const REFUSALS: Record<string, Verdict> = {
  GRAPHQL_PARSE_FAILED: 'syntax',
  GRAPHQL_VALIDATION_FAILED: 'invalid',
  OPERATION_RESOLUTION_FAILURE: 'operation',
  BAD_USER_INPUT: 'variables',
};

/** The verdict of the server, which nobody has signed in to: what runs, runs into `UNAUTHENTICATED`. */
async function verdict({ query, variables }: Case): Promise<{ verdict: Verdict | 'limit'; text: string }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json, text/event-stream;q=0.5' },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  // A refused subscription is answered as JSON, one that runs with events.
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) return { verdict: 'runs', text };
  const answer = JSON.parse(text) as { data?: unknown; errors?: { extensions: { code: string } }[] };
  if ('data' in answer) return { verdict: 'runs', text };
  const code = answer.errors?.[0]?.extensions.code ?? assert.fail(text);
  if (LIMITS.has(code)) return { verdict: 'limit', text };
  return { verdict: REFUSALS[code] ?? assert.fail(text), text };
}

/** Asks about all of them, a few at a time; answers where the two differ. */
async function differences(all: Case[]): Promise<{ found: string[]; counts: Map<string, number> }> {
  const found: string[] = [];
  const counts = new Map<string, number>();
  const left = all.values();
  const worker = async () => {
    for (const one of left) {
      const [should, is] = [expected(one), await verdict(one)];
      counts.set(is.verdict, (counts.get(is.verdict) ?? 0) + 1);
      if (is.verdict !== 'limit' && is.verdict !== should) {
        found.push(`${one.name}: ${should} for graphql-js, ${is.verdict} here\n${one.query}\n${JSON.stringify(one.variables)}\n${is.text}`);
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return { found, counts };
}

test('documents that are known to divide implementations', async () => {
  const { found } = await differences(cases.filter(({ query }) => !KNOWN.includes(query)));
  assert.equal(found.length, 0, found.join('\n\n'));
});

test('random documents, whole and broken', async () => {
  const all: Case[] = [];
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const random = new Random(seed);
    const { query, variables } = operation(schema, random);
    all.push({ name: `seed ${seed}, whole`, query, variables });
    for (const part of ['a', 'b']) all.push({ name: `seed ${seed}, broken ${part}`, query: broken(schema, query, random), variables });
    if (Object.keys(variables).length > 0) {
      all.push({ name: `seed ${seed}, other variables`, query, variables: brokenVariables(variables, random) });
    }
  }
  const { found, counts } = await differences(all);
  assert.equal(found.length, 0, `${found.length} of ${all.length}\n${found.slice(0, 10).join('\n\n')}`);
  // The comparison is worth something while each verdict is given often and limits hide little.
  const of = (verdict: string) => counts.get(verdict) ?? 0;
  for (const [verdict, least] of [['runs', 0.2], ['invalid', 0.2], ['variables', 0.05]] as const) {
    assert.ok(of(verdict) >= least * all.length, `${verdict}: ${of(verdict)} of ${all.length}`);
  }
  assert.ok(of('limit') < 0.05 * all.length, `limit: ${of('limit')} of ${all.length}`);
});

const SEEDS = Number(process.env.VALIDATION_SEEDS ?? 200);
