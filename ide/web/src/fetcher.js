// How operations reach the server: queries and mutations by POST, subscriptions over a WebSocket of the same address.

import { createClient } from "graphql-ws";

/**
 * @param {string} endpoint address of the API, relative to the page
 * @param {string} token sent as `Authorization: Bearer`, unless the headers editor says otherwise; may be empty
 * @param {(token: string) => void} onSignIn told the token of a mutation that signed someone in
 */
export function createFetcher(endpoint, token, onSignIn) {
  const credentials = token ? { authorization: `Bearer ${token}` } : {};
  return async (request, { headers, documentAST } = {}) => {
    const all = { ...credentials, ...lowerCased(headers) };
    if (isSubscription(documentAST, request.operationName)) return subscribe(endpoint, request, all);
    const result = await post(endpoint, request, all);
    const signedIn = result.data?.signIn?.token ?? result.data?.createFirstUser?.token;
    if (signedIn) onSignIn(signedIn);
    return result;
  };
}

/** The viewer's name for a token, or what the server has against it. */
export async function whoIs(endpoint, token, signal) {
  const headers = { authorization: `Bearer ${token}` };
  const { data, errors } = await post(endpoint, { query: "query WhoIs { viewer { username } }" }, headers, signal);
  if (errors?.length) throw new Error(errors[0].message);
  return data.viewer?.username ?? null;
}

async function post(endpoint, request, headers, signal) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json", ...headers },
    body: JSON.stringify(request),
    credentials: "same-origin",
    signal,
  });
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    // A proxy in between, most likely: show what it said.
    throw new Error(`The server answered ${response.status} ${response.statusText}: ${text.slice(0, 300)}`);
  }
}

function subscribe(endpoint, request, headers) {
  const url = new URL(endpoint, window.location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const client = createClient({ url: url.href, connectionParams: headers, retryAttempts: 2 });
  const events = client.iterate(request);
  // No async generator: its return() would wait for the next event, and "stop" means now.
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      try {
        const event = await events.next();
        if (event.done) client.dispose();
        return event;
      } catch (error) {
        client.dispose();
        throw asError(error);
      }
    },
    async return() {
      client.dispose();
      return events.return();
    },
  };
}

function asError(error) {
  if (error instanceof Error) return error;
  if (Array.isArray(error)) return new Error(error.map(({ message }) => message).join("\n"));
  if ("code" in error) return new Error(`The server closed the connection: ${error.code} ${error.reason ?? ""}`.trim());
  return new Error("The connection for subscriptions could not be opened.");
}

function isSubscription(document, operationName) {
  const operations = document?.definitions.filter(({ kind }) => kind === "OperationDefinition") ?? [];
  const chosen = operations.find(({ name }) => name?.value === operationName) ?? operations[0];
  return chosen?.operation === "subscription";
}

/** Header names know no case; without this, `Authorization` of the editor and ours would both be sent. */
function lowerCased(headers = {}) {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
}
