// What changed in the contract since the last release: node changes.mjs old.graphql new.graphql [--check]
//
// Prints the changelog of schema coordinates. With --check, fails when a client of the last release would break. What is
// merely dangerous (a new enum value or union member) is allowed: clients are told in docs/API.md to expect it.
import { readFileSync } from 'node:fs';
import { argv, exit, stderr, stdout } from 'node:process';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const [older, newer] = argv.slice(2, 4).map((path) => buildSchema(readFileSync(path, 'utf8')));
const changes = await diff(older, newer);

const sections = [
  ['Breaking', CriticalityLevel.Breaking],
  ['Dangerous', CriticalityLevel.Dangerous],
  ['Safe', CriticalityLevel.NonBreaking],
];
const lines = ['# Changes of the contract since the last release', ''];
lines.push('Written by `scripts/contract --changelog`; by schema coordinate.', '');
if (changes.length === 0) lines.push('None.', '');
for (const [title, level] of sections) {
  const entries = changes
    .filter((change) => change.criticality.level === level)
    .map((change) => `- \`${change.path ?? 'schema'}\`: ${change.message}`)
    .sort();
  if (entries.length > 0) lines.push(`## ${title}`, '', ...new Set(entries), '');
}
stdout.write(`${lines.join('\n').trimEnd()}\n`);

const breaking = changes.filter((change) => change.criticality.level === CriticalityLevel.Breaking);
if (argv.includes('--check') && breaking.length > 0) {
  stderr.write(`${breaking.length} changes break clients of the last release; deprecate first, or make a new baseline at a release\n`);
  exit(1);
}
