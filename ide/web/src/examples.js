// The tabs of a first visit, in the order in which a newcomer would run them. examples.test.mjs holds them against the schema.

import allMyOrganizations from "../examples/all-my-organizations.graphql";
import createOrganization from "../examples/create-organization.graphql";
import createOrganizationVariables from "../examples/create-organization.json";
import createProvisionerKey from "../examples/create-provisioner-key.graphql";
import createProvisionerKeyVariables from "../examples/create-provisioner-key.json";
import followJobLog from "../examples/follow-job-log.graphql";
import followJobLogVariables from "../examples/follow-job-log.json";
import followOrganization from "../examples/follow-organization.graphql";
import followOrganizationVariables from "../examples/follow-organization.json";
import followWorkspaces from "../examples/follow-workspaces.graphql";
import organizationOverview from "../examples/organization-overview.graphql";
import organizationOverviewVariables from "../examples/organization-overview.json";
import signIn from "../examples/sign-in.graphql";
import signInVariables from "../examples/sign-in.json";
import whatDoesItCost from "../examples/what-does-it-cost.graphql";
import whoAmI from "../examples/who-am-i.graphql";
import whyPending from "../examples/why-pending.graphql";
import whyPendingVariables from "../examples/why-pending.json";

const tab = (query, variables) => ({ query, variables: variables && JSON.stringify(variables, null, 2) });

// The first needs no variables: GraphiQL fills them in only when a tab is opened by hand.
export const examples = [
  tab(whoAmI),
  tab(signIn, signInVariables),
  tab(organizationOverview, organizationOverviewVariables),
  tab(allMyOrganizations),
  tab(whyPending, whyPendingVariables),
  tab(followJobLog, followJobLogVariables),
  tab(followWorkspaces),
  tab(followOrganization, followOrganizationVariables),
  tab(createOrganization, createOrganizationVariables),
  tab(createProvisionerKey, createProvisionerKeyVariables),
  tab(whatDoesItCost),
];
