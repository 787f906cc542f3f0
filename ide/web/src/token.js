// The token that requests carry. It lives as long as the browser tab: what outlives it (local storage) could be read
// by whoever uses the browser next.

const KEY = "guildhall:token";

export const storage = window.sessionStorage;

export function loadToken() {
  return storage.getItem(KEY) ?? "";
}

export function saveToken(token) {
  if (token) storage.setItem(KEY, token);
  else storage.removeItem(KEY);
}

/** People paste a whole header as often as the token alone. */
export function cleanToken(text) {
  return text.trim().replace(/^authorization:\s*/i, "").replace(/^bearer\s+/i, "");
}
