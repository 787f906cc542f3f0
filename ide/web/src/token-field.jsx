// The field at the top right: whose token requests carry.

import { useEffect, useState } from "react";
import { whoIs } from "./fetcher.js";
import { cleanToken } from "./token.js";

export function TokenField({ endpoint, token, onToken }) {
  const [text, setText] = useState(token);
  const identity = useIdentity(endpoint, token);
  useEffect(() => setText(token), [token]);

  const use = (event) => {
    event.preventDefault();
    onToken(cleanToken(text));
  };
  const isNew = text !== "" && cleanToken(text) !== token;
  return (
    <form className="token" onSubmit={use}>
      <output className={`identity ${identity.kind}`} title={identity.detail}>
        {identity.label}
      </output>
      <input
        type="password"
        aria-label="Token"
        placeholder="Paste a token, or run SignIn"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {/* Two buttons, not one that changes under the mouse: its release would click what it has become. */}
      {token && !isNew ? (
        <button key="forget" type="button" onClick={() => onToken("")}>
          Forget
        </button>
      ) : (
        <button key="use" type="submit" disabled={!isNew}>
          Use
        </button>
      )}
    </form>
  );
}

const ANONYMOUS = { kind: "none", label: "anonymous", detail: "Requests carry no token." };

function useIdentity(endpoint, token) {
  const [identity, setIdentity] = useState(ANONYMOUS);
  useEffect(() => {
    if (!token) {
      setIdentity(ANONYMOUS);
      return;
    }
    const asked = new AbortController();
    setIdentity({ kind: "none", label: "checking…", detail: "" });
    whoIs(endpoint, token, asked.signal)
      .then((name) =>
        setIdentity({ kind: "known", label: name ?? "not a person", detail: "Requests carry this token." }),
      )
      .catch((error) => {
        if (!asked.signal.aborted) setIdentity({ kind: "refused", label: "token refused", detail: error.message });
      });
    return () => asked.abort();
  }, [endpoint, token]);
  return identity;
}
