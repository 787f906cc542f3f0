// Monaco asks for its workers here. WORKERS holds their file names; build.mjs defines it.
/* global WORKERS */

globalThis.MonacoEnvironment = {
  getWorker(_id, label) {
    const file = WORKERS[`${label}.worker.js`] ?? WORKERS["editor.worker.js"];
    return new Worker(new URL(`./${file}`, import.meta.url), { name: label });
  },
};
