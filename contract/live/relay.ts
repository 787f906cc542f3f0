// A client made by relay-compiler, against the live server, through Relay's own store.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import relay from 'relay-runtime';
import page, { type documentsPageQuery } from '../relay/__generated__/documentsPageQuery.graphql';
import pagination, {
  type documentsWorkspacesPaginationQuery,
} from '../relay/__generated__/documentsWorkspacesPaginationQuery.graphql';
import rename, { type documentsRenameMutation } from '../relay/__generated__/documentsRenameMutation.graphql';
import { SignInDocument, type SignInMutation } from '../generated/graphql';
import manifest from '../generated/persisted_queries.json' with { type: 'json' };
import { type Answer, data, login, send } from './server';

const { commitMutation, Environment, fetchQuery, Network, RecordSource, Store } = relay;
const texts: Record<string, string> = manifest;

async function environment(): Promise<InstanceType<typeof Environment>> {
  const { signIn } = data(await send<SignInMutation>({ query: SignInDocument.toString() }, login));
  const token = signIn?.token ?? assert.fail('no token');
  const network = Network.create(async ({ id }, variables) => {
    const text = texts[id ?? ''] ?? assert.fail(`relay-compiler persisted no document ${id}`);
    return (await send({ query: text }, variables, token)) as Answer<never> as never;
  });
  return new Environment({ network, store: new Store(new RecordSource()) });
}

test('reads a connection page by page through the node of its parent', async () => {
  const relay = await environment();
  const first = await fetchQuery<documentsPageQuery>(relay, page, { name: 'data-platform' }).toPromise();
  const id = first?.organization?.id ?? assert.fail('no organization');
  const more = await fetchQuery<documentsWorkspacesPaginationQuery>(relay, pagination, { id, first: 3 }).toPromise();
  assert.ok(more);
  const record = relay.getStore().getSource().get(id);
  assert.equal(record?.__typename, 'Organization');
  assert.ok(Object.keys(record ?? {}).some((key) => key.startsWith('__documents_workspaces_connection')));
});

test('a mutation updates the record that other parts of the page show', async () => {
  const relay = await environment();
  const first = await fetchQuery<documentsPageQuery>(relay, page, { name: 'data-platform' }).toPromise();
  const id = first?.organization?.id ?? assert.fail('no organization');
  const displayName = `Renamed at ${Date.now()}`;
  await new Promise<void>((resolve, reject) => {
    commitMutation<documentsRenameMutation>(relay, {
      mutation: rename,
      variables: { input: { organizationId: id, displayName } },
      onCompleted: ({ updateOrganization }) => {
        assert.deepEqual(updateOrganization?.userErrors, []);
        resolve();
      },
      onError: reject,
    });
  });
  assert.equal(relay.getStore().getSource().get(id)?.displayName, displayName);
});
