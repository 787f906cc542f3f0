// The server under test, told by the environment (scripts/contract starts it).
import assert from 'node:assert/strict';

export const url = process.env.GUILDHALL_URL ?? assert.fail('GUILDHALL_URL is not set: run scripts/contract');
export const login = { login: process.env.GUILDHALL_LOGIN ?? '', password: process.env.GUILDHALL_PASSWORD ?? '' };

export type Answer<Data> = { data?: Data | null; errors?: { message: string; extensions?: { code?: string } }[] };

/** Sends a document as it is, or by its hash. */
export async function send<Data>(
  request: { query: string } | { documentId: string },
  variables: unknown,
  token?: string,
): Promise<Answer<Data>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      accept: 'application/graphql-response+json',
      'content-type': 'application/json',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify({ ...request, variables }),
  });
  return (await response.json()) as Answer<Data>;
}

/** The data of an answer without errors. */
export function data<Data>(answer: Answer<Data>): Data {
  assert.deepEqual(answer.errors ?? [], []);
  return answer.data ?? assert.fail('no data');
}

/** The events of a subscription over an event stream, until it completes. */
export async function* events<Data>(query: string, variables: unknown, token: string): AsyncGenerator<Data> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  assert.equal(response.status, 200);
  let text = '';
  const body = response.body ?? assert.fail('no body');
  const decoder = new TextDecoder();
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = text.slice(0, end);
      text = text.slice(end + 2);
      if (/^event: ?complete/m.test(event)) return;
      const payload = /^data: ?(.+)$/m.exec(event)?.[1];
      if (payload) yield data(JSON.parse(payload) as Answer<Data>);
    }
  }
}
