// Lints the contract and the documents of the clients. Which rules, and why not the others, is said beside each.
import graphql from '@graphql-eslint/eslint-plugin';

const rule = (name) => `@graphql-eslint/${name}`;

const languageOptions = {
  parser: graphql.parser,
  parserOptions: { graphQLConfig: { schema: 'schema.graphql', documents: 'documents/*.graphql' } },
};

export default [
  {
    files: ['schema.graphql'],
    languageOptions,
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      // The printer writes block strings everywhere.
      [rule('description-style')]: 'off',
      [rule('require-description')]: [
        'error',
        {
          types: true,
          rootField: true,
          FieldDefinition: true,
          InputValueDefinition: true,
          EnumValueDefinition: true,
          DirectiveDefinition: true,
          // Directives are described as a whole.
          ignoredSelectors: ['DirectiveDefinition > InputValueDefinition'],
        },
      ],
      // `User.username` is the word that everybody expects.
      [rule('no-typename-prefix')]: 'off',
      // Only what `node` finds has an id; the rest is a value of its parent.
      [rule('strict-id-in-types')]: 'off',
      // An edge of a connection is written once for all lists; the node's type is what it lists.
      [rule('relay-edge-types')]: [
        'error',
        { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
      ],
      [rule('input-name')]: ['error', { checkInputType: true, caseSensitiveInputType: false }],
      [rule('no-scalar-result-type-on-mutation')]: 'error',
      [rule('require-nullable-fields-with-oneof')]: 'error',
      [rule('require-deprecation-date')]: 'error',
      [rule('no-unreachable-types')]: 'error',
    },
  },
  {
    files: ['documents/*.graphql'],
    languageOptions,
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/operations-recommended'].rules,
      // Fields of a page that has no entry of its own in a cache.
      [rule('require-selections')]: 'off',
    },
  },
];
