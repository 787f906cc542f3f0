// A client made by GraphQL Code Generator, against the live server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CreateOrganizationDocument,
  JobLogDocument,
  OrganizationPageDocument,
  SignInDocument,
  ThingsDocument,
  type TypedDocumentString,
} from '../generated/graphql';
import { data, events, login, send } from './server';

async function ask<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  token?: string,
): Promise<Data> {
  return data(await send<Data>({ query: document.toString() }, variables, token));
}

async function signIn(): Promise<string> {
  const { signIn } = await ask(SignInDocument, login);
  assert.deepEqual(signIn?.userErrors, []);
  return signIn?.token ?? assert.fail('no token');
}

test('signs in, and is refused with a typed error', async () => {
  await signIn();
  const { signIn: refused } = await ask(SignInDocument, { ...login, password: 'not the password' });
  assert.equal(refused?.token, null);
  assert.equal(refused?.userErrors[0]?.__typename, 'InvalidInput');
  assert.deepEqual(refused?.userErrors[0]?.field, ['input', 'password']);
});

test('pages through a list to its end, each entry once', async () => {
  const token = await signIn();
  const names: string[] = [];
  let after: string | null | undefined;
  let total: number | undefined;
  do {
    const { organization } = await ask(OrganizationPageDocument, { name: 'data-platform', first: 2, after }, token);
    const page = organization?.workspaces ?? assert.fail('no organization');
    names.push(...page.edges.map((edge) => edge.node.name));
    total = page.totalCount;
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after);
  assert.ok(names.length > 2);
  assert.equal(names.length, total);
  assert.deepEqual(names, [...new Set(names)].sort());
});

test('narrows an interface and a union of errors', async () => {
  const token = await signIn();
  const { organization } = await ask(OrganizationPageDocument, { name: 'data-platform', first: 1 }, token);
  const member = organization?.members.nodes[0]?.user ?? assert.fail('no member');
  const { nodes } = await ask(ThingsDocument, { ids: [organization!.id, 'org_nothing', member.id] }, token);
  assert.deepEqual(nodes, [
    { __typename: 'Organization', id: organization!.id, name: 'data-platform' },
    null,
    { __typename: 'User', id: member.id, username: member.username },
  ]);
  const { createOrganization } = await ask(
    CreateOrganizationDocument,
    { input: { name: 'data-platform', displayName: 'Again' } },
    token,
  );
  const error = createOrganization?.userErrors[0];
  assert.equal(error?.__typename, 'NameTaken');
  assert.equal(error?.__typename === 'NameTaken' && error.name, 'data-platform');
});

test('follows a log to its end, and resumes it', async () => {
  const token = await signIn();
  const { organization } = await ask(OrganizationPageDocument, { name: 'data-platform', first: 5 }, token);
  const jobs = organization?.workspaces.edges.map((edge) => edge.node.latestBuild.job.id) ?? [];
  for (const jobId of jobs) {
    const lines = [];
    for await (const event of events<{ provisionerJobLogs: { cursor: string } }>(JobLogDocument.toString(), { jobId }, token)) {
      lines.push(event.provisionerJobLogs.cursor);
    }
    if (lines.length < 2) continue;
    const rest = [];
    const after = lines[0];
    for await (const event of events<{ provisionerJobLogs: { cursor: string } }>(JobLogDocument.toString(), { jobId, after }, token)) {
      rest.push(event.provisionerJobLogs.cursor);
    }
    assert.deepEqual(rest, lines.slice(1));
    return;
  }
  assert.fail('no job of the demonstration has a log of two lines');
});
