// What relay-compiler reads. Never run: the live test uses the artifacts that come of it.
import { graphql } from 'relay-runtime';

export const page = graphql`
  query documentsPageQuery($name: String!) {
    organization(by: { name: $name }) {
      id
      name
      ...documents_workspaces
    }
  }
`;

export const workspaces = graphql`
  fragment documents_workspaces on Organization
  @refetchable(queryName: "documentsWorkspacesPaginationQuery")
  @argumentDefinitions(first: { type: "Int", defaultValue: 2 }, after: { type: "String" }) {
    workspaces(first: $first, after: $after, orderBy: NAME_ASC) @connection(key: "documents_workspaces") {
      edges {
        node {
          id
          name
          status
          owner {
            username
          }
        }
      }
    }
  }
`;

export const rename = graphql`
  mutation documentsRenameMutation($input: UpdateOrganizationInput!) {
    updateOrganization(input: $input) {
      organization {
        id
        displayName
      }
      userErrors {
        __typename
        message
      }
    }
  }
`;

export const log = graphql`
  subscription documentsLogSubscription($jobId: ID!) {
    provisionerJobLogs(jobId: $jobId) {
      cursor
      log {
        text
      }
    }
  }
`;
