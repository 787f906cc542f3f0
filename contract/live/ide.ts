// The editor in a real browser: it works offline under its own policy, signs in, asks, and follows a subscription.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Browser, type Page, chromium } from 'playwright-core';
import { login, send, url } from './server';

const executablePath = process.env.CHROMIUM ?? assert.fail('CHROMIUM is not set: run scripts/contract');
const here = new URL(url);

let browser: Browser;
let page: Page;
/** What the page asked other hosts for, and what the browser complained about. */
const foreign: string[] = [];
const complaints: string[] = [];

before(async () => {
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  page = await browser.newPage({ viewport: { width: 1400, height: 850 } });
  await page.route('**/*', (route) => {
    if (new URL(route.request().url()).host === here.host) return route.continue();
    foreign.push(route.request().url());
    return route.abort();
  });
  page.on('console', (message) => {
    // A refused request is one of those that we asked for.
    const refused = message.text().startsWith('Failed to load resource: the server responded with a status of 40');
    if (['error', 'warning'].includes(message.type()) && !refused) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => console.error(`${event.violatedDirective}: ${event.blockedURI}`));
  });
  await page.goto(url);
  await page.waitForSelector('.graphiql-execute-button');
});

after(async () => {
  if (process.env.IDE_SCREENSHOT) await page.screenshot({ path: process.env.IDE_SCREENSHOT });
  await browser.close();
});

/** Replaces what an editor holds. */
async function type(editor: string, text: string): Promise<void> {
  await page.locator(`${editor} .view-lines`).first().click();
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(text);
  // What the editor closed for us.
  await page.keyboard.press('Control+Shift+End');
  await page.keyboard.press('Delete');
}

/** Runs what the tab holds and waits until the answer has this text. */
async function run(expected: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    await page.click('.graphiql-execute-button');
    try {
      // The editor writes spaces that don't break.
      await page.waitForFunction(
        (text) => document.querySelector('.result-window')?.textContent?.replaceAll('\u00a0', ' ').includes(text),
        expected,
        { timeout: 15_000 },
      );
      return;
    } catch (error) {
      // On a slow machine the button is there before the editor behind it.
      if (tries === 3) throw error;
    }
  }
}

async function tab(name: string): Promise<void> {
  await page.locator('.graphiql-tab-button', { hasText: name }).click();
  // GraphiQL reads the operation's name of a new text after a while, and sends the last one until then.
  await page.waitForTimeout(600);
}

test('asks without a token', async () => {
  await run('UNAUTHENTICATED');
});

test('signs in, and keeps the token for what follows', async () => {
  await tab('SignIn');
  await type('.graphiql-editor-tool', JSON.stringify({ input: login }));
  await run(`"username": "${login.login}"`);
  await page.locator('output.identity.known', { hasText: login.login }).waitFor();
  await tab('WhoAmI');
  await run(`"username": "${login.login}"`);
});

test('forgets the token, and uses one that is pasted and clicked', async () => {
  const signedIn = await send<{ signIn: { token: string } }>(
    { query: 'mutation($input: SignInInput!) { signIn(input: $input) { token } }' },
    { input: login },
  );
  const field = page.locator('form.token');
  await field.getByRole('button', { name: 'Forget' }).click();
  await field.locator('output.identity', { hasText: 'anonymous' }).waitFor();
  await run('UNAUTHENTICATED');
  await field.locator('input').fill(signedIn.data?.signIn.token ?? assert.fail('no token'));
  await field.getByRole('button', { name: 'Use' }).click();
  await field.locator('output.identity.known', { hasText: login.login }).waitFor();
  await field.getByRole('button', { name: 'Forget' }).waitFor();
  await run(`"username": "${login.login}"`);
});

test('sends the headers of its own editor', async () => {
  await page.getByRole('button', { name: 'Headers' }).click();
  await type('.graphiql-editor-tool .graphiql-editor:not(.hidden)', '{ "Authorization": "Bearer nonsense" }');
  await run('UNAUTHENTICATED');
  await type('.graphiql-editor-tool .graphiql-editor:not(.hidden)', '{}');
});

test('follows a subscription over a WebSocket, to its end', async () => {
  const signedIn = await send<{ signIn: { token: string } }>(
    { query: 'mutation($input: SignInInput!) { signIn(input: $input) { token } }' },
    { input: login },
  );
  const jobs = await send<{ organization: { provisionerJobs: { nodes: { id: string }[] } } }>(
    { query: '{ organization(by: {name: "default"}) { provisionerJobs(first: 1, filter: {state: SUCCEEDED}) { nodes { id } } } }' },
    {},
    signedIn.data?.signIn.token,
  );
  const jobId = jobs.data?.organization.provisionerJobs.nodes[0]?.id ?? assert.fail('no job has succeeded');
  const sockets: string[] = [];
  page.on('websocket', (socket) => sockets.push(socket.url()));
  await tab('FollowJobLog');
  await page.getByRole('button', { name: 'Variables' }).click();
  await type('.graphiql-editor-tool', JSON.stringify({ jobId }));
  await run('"text": ');
  // The button that stops has become the one that runs.
  await page.locator('.graphiql-execute-button[aria-label*="Execute"]').waitFor();
  assert.deepEqual(sockets, [`ws://${here.host}${here.pathname}`]);
});

test('shows the documentation of the schema', async () => {
  await page.getByRole('button', { name: /Documentation Explorer/ }).click();
  await page.locator('.graphiql-plugin', { hasText: 'Root Types' }).waitFor();
});

test('asked nobody else, and the browser had nothing to say against it', () => {
  assert.deepEqual(foreign, []);
  assert.deepEqual(complaints, []);
});
