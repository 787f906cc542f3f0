// Every example is valid against the schema, variables included: `npm test`.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { buildSchema, getVariableValues, parse, validate } from "graphql";

const here = (path) => new URL(path, import.meta.url);
const schema = buildSchema(readFileSync(here(process.env.GUILDHALL_SCHEMA ?? "../../schema.graphql"), "utf8"));
const examples = readdirSync(here("examples/")).filter((name) => name.endsWith(".graphql"));
const tabs = readFileSync(here("src/examples.js"), "utf8");

assert.ok(examples.length > 0);

for (const name of examples) {
  test(name, () => {
    const document = parse(readFileSync(here(`examples/${name}`), "utf8"));
    assert.deepEqual(validate(schema, document).map(String), []);
    assert.ok(tabs.includes(`../examples/${name}`), "is not a tab in src/examples.js");

    const [operation, ...others] = document.definitions;
    assert.equal(others.length, 0);
    const wanted = operation.variableDefinitions ?? [];
    const given = wanted.length ? JSON.parse(readFileSync(here(`examples/${name.replace("graphql", "json")}`))) : {};
    const { errors } = getVariableValues(schema, wanted, given);
    assert.deepEqual(errors?.map(String) ?? [], []);
    const names = wanted.map(({ variable }) => variable.name.value);
    assert.deepEqual(Object.keys(given).sort(), names.sort());
  });
}
