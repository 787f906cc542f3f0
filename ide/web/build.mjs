// Bundles the page into a folder: `node build.mjs <folder>`.
//
// The folder holds `index.html`, whose {{endpoint}}, {{assets}} and {{nonce}} the server fills in, and files whose
// names carry a hash of their content, so that a browser may keep them for ever.

import { build } from "esbuild";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";

const out = process.argv[2];
if (!out) throw new Error("usage: node build.mjs <folder>");
await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

const common = {
  bundle: true,
  minify: true,
  target: ["chrome111", "firefox114", "safari16.4"],
  outdir: out,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
  define: { "process.env.NODE_ENV": '"production"' },
  loader: { ".graphql": "text", ".svg": "file", ".ttf": "file" },
};

// Classic scripts of the same origin: a `blob:` worker would need a hole in the content security policy.
const workers = await build({
  ...common,
  format: "iife",
  entryPoints: {
    "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
    "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
    "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
  },
});

const slimMonaco = {
  name: "slim-monaco",
  setup({ onResolve }) {
    const path = resolve("src/monaco.js");
    onResolve({ filter: /^monaco-graphql\/esm\/monaco-editor\.js$/ }, () => ({ path }));
    onResolve({ filter: /^\.\/monaco-editor$/ }, ({ importer }) => (importer.includes("monaco-graphql") ? { path } : null));
  },
};

const page = await build({
  ...common,
  plugins: [slimMonaco],
  // GraphiQL asks for the old names, which lead to CommonJS files whose parsers it would not find.
  alias: { "prettier/parser-babel": "prettier/plugins/babel", "prettier/parser-graphql": "prettier/plugins/graphql" },
  format: "esm",
  splitting: true,
  jsx: "automatic",
  entryPoints: { main: "src/main.jsx" },
  define: { ...common.define, WORKERS: JSON.stringify(built(workers)) },
});

const names = built(page);

// Chunks that are loaded later bring style sheets of their own, which nothing loads: all of it is in main.css.
for (const file of await readdir(out)) {
  if (file.endsWith(".css") && file !== names["main.css"]) await rm(join(out, file));
}

let html = await readFile("index.html", "utf8");
for (const name of ["main.js", "main.css", "icon.svg"]) {
  if (!names[name]) throw new Error(`the bundle has no ${name}`);
  html = html.replaceAll(`{{${name}}}`, names[name]);
}
await writeFile(join(out, "index.html"), html);

/** What a build's files came to be called: `main.js` → `main-2Q4X7TZB.js`. Chunks share one name, which nobody asks for. */
function built({ metafile }) {
  const files = Object.keys(metafile.outputs).map((path) => basename(path));
  return Object.fromEntries(files.map((file) => [file.replace(/-[0-9A-Z]{8}(\.[a-z]+)$/, "$1"), file]));
}
