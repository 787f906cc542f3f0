import "./workers.js";

import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./style.css";

import { GraphiQL } from "graphiql";
import { useCallback, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import { examples } from "./examples.js";
import { createFetcher } from "./fetcher.js";
import { TokenField } from "./token-field.jsx";
import { loadToken, saveToken, storage } from "./token.js";

function Ide({ endpoint }) {
  const [token, setToken] = useState(loadToken);
  const keepToken = useCallback((next) => {
    saveToken(next);
    setToken(next);
  }, []);
  // A new token may see another schema: GraphiQL asks for it again when its fetcher changes.
  const fetcher = useMemo(() => createFetcher(endpoint, token, keepToken), [endpoint, token, keepToken]);
  return (
    <>
      <header className="bar">
        <span className="mark" aria-hidden="true" />
        <strong>Guildhall</strong>
        <span className="subtitle">GraphQL API</span>
        <a href="/schema.graphql" target="_blank" rel="noreferrer">
          schema.graphql
        </a>
        <TokenField endpoint={endpoint} token={token} onToken={keepToken} />
      </header>
      <main>
        <GraphiQL
          fetcher={fetcher}
          defaultTabs={examples}
          defaultEditorToolsVisibility={true}
          inputValueDeprecation={true}
          schemaDescription={true}
          // Variables hold passwords and headers hold tokens: neither may outlive the browser tab.
          storage={storage}
          shouldPersistHeaders={false}
          showPersistHeadersSettings={false}
        >
          <GraphiQL.Logo>{null}</GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}

const root = document.getElementById("ide");
createRoot(root).render(<Ide endpoint={root.dataset.endpoint} />);
