//! An organization full of everything, all of whose texts carry its mark.

use serde_json::{Value, json};

use super::daemon::{Daemon, HeldJob, ProvisionerKey, plain_build};
use super::upload::Template;
use super::{Org, Person, TestApp};

/// An organization full of everything.
pub(crate) struct World {
    /// In every text of it.
    pub(crate) mark: &'static str,
    pub(crate) org: Org,
    pub(crate) admin: Person,
    pub(crate) template_admin: Person,
    pub(crate) member: Person,
    /// Holds `member`; `admin` is not in it.
    pub(crate) group: String,
    /// A custom role, which somebody holds.
    pub(crate) role: String,
    /// Holds it, and may create no workspaces.
    pub(crate) clerk: Person,
    pub(crate) key: ProvisionerKey,
    pub(crate) daemon: Daemon,
    pub(crate) template: Template,
    /// Another version of the template, with other files and parameters.
    pub(crate) second: String,
    pub(crate) file: String,
    /// The member's, built.
    pub(crate) workspace: String,
    /// Of the workspace's build.
    pub(crate) job: String,
    /// The admin's.
    pub(crate) session: String,
    /// The admin's.
    pub(crate) api_token: String,
    /// A job that the daemon still holds; it was told to stop.
    pub(crate) held: HeldJob,
    /// Every id there is, by its type in the schema.
    pub(crate) nodes: Vec<(&'static str, String)>,
}

const CREATE_WORKSPACE: &str = "mutation($input: CreateWorkspaceInput!) {
    createWorkspace(input: $input) { workspace { id latestBuild { id job { id } } } userErrors { message } }
}";

impl TestApp {
    /// Fills an organization. `shared` joins it, owns a workspace there and is in its group.
    pub(crate) async fn fill(&self, owner: &Person, org: Org, mark: &'static str, shared: &Person) -> World {
        self.run(
            owner,
            "mutation($input: UpdateOrganizationInput!) {
               updateOrganization(input: $input) { userErrors { message } }
             }",
            json!({ "input": {
                "organizationId": org.id, "displayName": format!("{mark} display"),
                "description": format!("{mark} description"), "icon": format!("/icons/{mark}.png"),
            } }),
        )
        .await;
        let name = |noun: &str| format!("{mark}-{noun}");
        let admin = self.member_of(owner, &org, &name("admin"), &["organization-admin"]).await;
        let template_admin =
            self.member_of(owner, &org, &name("template-admin"), &["organization-template-admin"]).await;
        let member = self.member_of(owner, &org, &name("member"), &[]).await;
        self.join(owner, &org, shared, &[]).await;
        let group = self.group(&admin, &org, &name("group"), &[&member, shared]).await;
        let role = self.role(&admin, &org, &name("role"), &["QUOTA_READ"]).await;
        let clerk = self
            .member_of(owner, &org, &name("clerk"), &[&name("role"), "organization-workspace-creation-ban"])
            .await;

        let tagged =
            self.provisioner_key(&admin, &org, &name("tagged"), &[(&name("pool"), &name("tag"))]).await;
        self.done(&admin.token, "rotateProvisionerKey", "", json!({ "provisionerKeyId": tagged.id })).await;
        let tagged_daemon = self.daemon(&tagged, &org, &name("tagged-daemon")).await;
        let key = self.provisioner_key(&admin, &org, &name("key"), &[]).await;
        let daemon = self.daemon(&key, &org, &name("daemon")).await;

        let template = self.marked_template(&template_admin, &org, mark).await;
        self.import(&daemon, mark).await;
        let (second, dry_run) = self.tried(&template_admin, &daemon, &template, mark).await;
        let waiting = self
            .push(
                &template_admin,
                &template,
                json!({
                    "name": name("waiting"), "tags": [{ "name": name("pool"), "value": name("nowhere") }],
                }),
            )
            .await;
        let failed = self.push(&template_admin, &template, json!({ "name": name("failed") })).await;
        let job = self.acquire(&daemon).await.unwrap();
        self.fail(&daemon, &job, "IMPORT_FAILED", &format!("{mark} went wrong")).await;

        let build = self.workspace(&member, &template, &name("workspace"), mark).await;
        let habits = json!({
            "workspaceId": build.workspace, "ttlSeconds": 3600,
            "autostartSchedule": { "cron": "30 8 * * 1-5", "timeZone": "Europe/Berlin" },
        });
        self.done(&member.token, "updateWorkspace", "", habits).await;
        self.done(
            &member.token,
            "setWorkspaceFavorite",
            "",
            json!({ "workspaceId": build.workspace, "favorite": true }),
        )
        .await;
        self.build(&daemon, mark).await;
        let shared_build = self.workspace(shared, &template, &name("shared-workspace"), mark).await;
        let held = self.acquire(&daemon).await.unwrap();
        self.append_logs(&daemon, &held, 1, &[&format!("{mark} is at work")]).await;
        let dear = json!({ "provisionerJobId": held.id, "dailyCost": 1_000_000 });
        let plan = self.refused(&daemon.secret, "planWorkspaceBuild", dear).await;
        assert_eq!(plan.code, "QUOTA_EXCEEDED");
        self.run(
            &admin,
            "mutation($input: CancelProvisionerJobInput!) {
               cancelProvisionerJob(input: $input) { userErrors { message } }
             }",
            json!({ "input": { "provisionerJobId": held.id } }),
        )
        .await;
        let file = self.upload(&template_admin).await;
        let beyond = json!({ "organizationId": org.id, "name": name("beyond") });
        assert_eq!(self.denied(Some(&member.token), "createGroup", beyond).await, "FORBIDDEN");
        let allowance = json!({ "groupId": group, "allowance": 6 });
        self.done(&admin.token, "setGroupQuota", "", allowance).await;
        let session = self.session(&admin).await;
        let bound = json!({ "name": name("token"), "organizationId": org.id, "scopes": ["WORKSPACE_READ"] });
        let (api_token, _) = self.api_token(&admin, bound.clone()).await;
        self.api_token(&member, bound).await;
        let settings = json!({
            "templateId": template.id, "defaultTtlSeconds": 3600, "failureTtlSeconds": 3600,
            "dormantAfterSeconds": 3600, "dormantDeleteAfterSeconds": 3600, "autostopDays": ["SUNDAY"],
            "maxWorkspacesPerUser": 50,
        });
        self.done(&template_admin.token, "updateTemplate", "", settings).await;
        let nodes = vec![
            ("Session", session.clone()),
            ("ApiToken", api_token.clone()),
            ("Organization", org.id.clone()),
            ("User", admin.id.clone()),
            ("User", member.id.clone()),
            ("User", template_admin.id.clone()),
            ("Group", group.clone()),
            ("Group", org.id.replace("org_", "grp_")),
            ("User", clerk.id.clone()),
            ("Role", role.clone()),
            ("ProvisionerKey", key.id.clone()),
            ("ProvisionerKey", tagged.id.clone()),
            ("ProvisionerDaemon", daemon.id.clone()),
            ("ProvisionerDaemon", tagged_daemon.id.clone()),
            ("ProvisionerJob", build.job.clone()),
            ("ProvisionerJob", held.id.clone()),
            ("ProvisionerJob", waiting.job),
            ("ProvisionerJob", failed.job),
            ("File", file.clone()),
            ("Template", template.id.clone()),
            ("TemplateVersion", template.version.clone()),
            ("TemplateVersion", second.clone()),
            ("TemplateVersionDryRun", dry_run),
            ("TemplateVersion", waiting.id),
            ("TemplateVersion", failed.id),
            ("Workspace", build.workspace.clone()),
            ("Workspace", shared_build.workspace),
            ("WorkspaceBuild", build.id.clone()),
            ("WorkspaceBuild", shared_build.id),
        ];
        World {
            mark,
            admin,
            template_admin,
            member,
            group,
            role,
            clerk,
            key,
            daemon,
            template,
            second,
            file,
            workspace: build.workspace,
            job: build.job,
            session,
            api_token,
            held,
            nodes,
            org,
        }
    }

    /// A custom role with these permissions.
    pub(crate) async fn role(&self, admin: &Person, org: &Org, name: &str, permissions: &[&str]) -> String {
        let input = json!({
            "organizationId": org.id, "name": name, "displayName": format!("{name} display"),
            "description": format!("{name} description"), "permissions": permissions,
        });
        let made = self.done(&admin.token, "createRole", "role { id }", input).await;
        made["role"]["id"].as_str().unwrap().to_owned()
    }

    /// A group with these members.
    pub(crate) async fn group(&self, admin: &Person, org: &Org, name: &str, members: &[&Person]) -> String {
        let payload = self
            .run(
                admin,
                "mutation($input: CreateGroupInput!) { createGroup(input: $input) { group { id } userErrors { message } } }",
                json!({ "input": {
                    "organizationId": org.id, "name": name, "displayName": format!("{name} display"),
                    "avatarUrl": format!("/avatars/{name}.png"), "quotaAllowance": 5,
                } }),
            )
            .await;
        let id = payload["group"]["id"].as_str().unwrap().to_owned();
        if !members.is_empty() {
            let users: Vec<_> = members.iter().map(|person| &person.id).collect();
            let payload = self
                .run(
                    admin,
                    "mutation($input: AddGroupMembersInput!) {
                       addGroupMembers(input: $input) { results { userErrors { message } } userErrors { message } }
                     }",
                    json!({ "input": { "groupId": id, "userIds": users } }),
                )
                .await;
            let fine = vec![json!({ "userErrors": [] }); members.len()];
            assert_eq!(payload["results"], json!(fine));
        }
        id
    }

    async fn marked_template(&self, person: &Person, org: &Org, mark: &str) -> Template {
        let input = json!({
            "name": format!("{mark}-template"), "displayName": format!("{mark} template"),
            "description": format!("{mark} description"), "icon": format!("/icons/{mark}.png"),
            "version": { "name": format!("{mark}-v1"), "message": format!("{mark} first") },
        });
        self.described_template(person, org, input).await
    }

    /// Imports the template version that waits, with marked variables and logs.
    async fn import(&self, daemon: &Daemon, mark: &str) {
        let job = self.acquire(daemon).await.unwrap();
        self.append_logs(daemon, &job, 1, &[&format!("{mark} init"), &format!("{mark} plan")]).await;
        let variable = |name: &str, sensitive: bool| {
            json!({
                "name": name, "type": "string", "description": format!("{mark} variable"),
                "default": format!("{mark} default"), "sensitive": sensitive, "ephemeral": false,
                "nullable": false, "required": false,
                "validations": [{ "condition": format!("\"{mark}\" != \"\""), "errorMessage": format!("{mark} refused") }],
            })
        };
        let mut extra = variable("extra", false);
        extra["displayName"] = format!("{mark} extra").into();
        extra["icon"] = format!("/icons/{mark}.png").into();
        extra["validations"][0]["rules"] = json!([
            { "oneOf": [mark] }, { "pattern": mark }, { "atLeast": 1 }, { "atMost": 2 }, { "lengthAtLeast": 1 },
            { "lengthAtMost": 99 },
        ]);
        let variables = [variable("region", false), variable("password", true), extra];
        let result = json!({ "templateImport": { "readme": format!("# {mark}"), "variables": variables } });
        self.complete(daemon, &job, result).await;
    }

    /// A dry run of the first version, and a second version that differs from it; answers that and the dry run.
    async fn tried(
        &self,
        person: &Person,
        daemon: &Daemon,
        template: &Template,
        mark: &str,
    ) -> (String, String) {
        let input = json!({ "templateVersionId": template.version });
        let selection = "templateVersionDryRun { id }";
        let made = self.done(&person.token, "createTemplateVersionDryRun", selection, input).await;
        let job = self.acquire(daemon).await.unwrap();
        let resources = json!([{ "address": format!("docker.{mark}"), "type": "docker", "name": mark }]);
        let result = json!({ "templateDryRun": { "resources": resources, "dailyCost": 2 } });
        self.complete(daemon, &job, result).await;

        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.tf"), format!("# {mark}\n")).unwrap();
        let mut archive = Vec::new();
        guildhall_archive::pack(folder.path(), &mut archive).unwrap();
        let file = self.put_file(Some(&person.token), archive).await.1["id"].clone();
        let input = json!({
            "templateId": template.id, "fileId": file, "name": format!("{mark}-second"), "promote": false,
        });
        let pushed = self.done(&person.token, "createTemplateVersion", "templateVersion { id }", input).await;
        let job = self.acquire(daemon).await.unwrap();
        let region = json!({
            "name": "region", "type": "number", "description": format!("{mark} variable"), "sensitive": false,
            "ephemeral": false, "nullable": false, "required": true, "validations": [],
        });
        let result = json!({ "templateImport": { "readme": format!("# {mark}"), "variables": [region] } });
        self.complete(daemon, &job, result).await;
        let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
        (id(&pushed["templateVersion"]), id(&made["templateVersionDryRun"]))
    }

    /// Builds the workspace that waits, with marked results and logs.
    async fn build(&self, daemon: &Daemon, mark: &str) {
        let job = self.acquire(daemon).await.unwrap();
        self.append_logs(daemon, &job, 1, &[&format!("{mark} apply")]).await;
        self.keep_state(&job, &json!({ "version": 4, "serial": 1, "lineage": mark }).to_string()).await;
        let mut result = plain_build();
        result["workspaceBuild"] = json!({
            "resources": [{ "address": format!("docker.{mark}"), "type": "docker", "name": mark }],
            "apps": [{ "name": format!("{mark} app"), "url": format!("https://{mark}.example.com/"), "icon": "" }],
            "metadata": [{ "key": format!("{mark} key"), "value": format!("{mark} value") }],
            "dailyCost": 3,
        });
        self.complete(daemon, &job, result).await;
    }

    /// Pushes a version of a template.
    pub(crate) async fn push(&self, person: &Person, template: &Template, mut input: Value) -> Pushed {
        input["templateId"] = template.id.clone().into();
        input["fileId"] = self.upload(person).await.into();
        let payload = self
            .run(
                person,
                "mutation($input: CreateTemplateVersionInput!) {
                   createTemplateVersion(input: $input) { templateVersion { id job { id } } userErrors { message } }
                 }",
                json!({ "input": input }),
            )
            .await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let version = &payload["templateVersion"];
        Pushed { id: text(&version["id"]), job: text(&version["job"]["id"]) }
    }

    /// Creates a workspace of one's own; its first build waits.
    pub(crate) async fn workspace(
        &self,
        person: &Person,
        template: &Template,
        name: &str,
        value: &str,
    ) -> Queued {
        let parameters =
            json!([{ "name": "region", "value": value }, { "name": "password", "value": value }]);
        let parameters = if value.is_empty() { json!([]) } else { parameters };
        let input = json!({ "templateId": template.id, "name": name, "parameters": parameters });
        let payload = self.run(person, CREATE_WORKSPACE, json!({ "input": input })).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let workspace = &payload["workspace"];
        Queued {
            workspace: text(&workspace["id"]),
            id: text(&workspace["latestBuild"]["id"]),
            job: text(&workspace["latestBuild"]["job"]["id"]),
        }
    }
}

/// A template version that waits for its import.
pub(crate) struct Pushed {
    pub(crate) id: String,
    pub(crate) job: String,
}

/// A workspace whose first build waits.
pub(crate) struct Queued {
    pub(crate) workspace: String,
    /// The build.
    pub(crate) id: String,
    pub(crate) job: String,
}
