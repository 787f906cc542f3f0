//! What a workspace is at is kept with it: its latest build, its status, and whether that build is of another version than its
//! template's active one. Triggers keep it true, whoever writes builds, jobs and templates. A build's version and transition
//! never change, and no build goes before its workspace.

crate::dialect::migration!("m0022_standing", up: UP, down: DOWN);

/// The status of a workspace, from its latest build.
macro_rules! status {
    ($state:literal, $transition:literal) => {
        concat!(
            "case ",
            $state,
            " when 'RUNNING' then case ",
            $transition,
            " when 'START' then 'STARTING' when 'STOP' then 'STOPPING' else 'DELETING' end when 'SUCCEEDED' then case ",
            $transition,
            " when 'START' then 'RUNNING' when 'STOP' then 'STOPPED' else 'DELETED' end else ",
            $state,
            " end"
        )
    };
}

/// What a new build means for its workspace; nothing where a newer one is there already.
macro_rules! built {
    () => {
        concat!(
            "update workspace set latest_build_id = new.id, status = (select ",
            status!("j.state", "new.transition"),
            " from provisioner_job j where j.id = new.provisioner_job_id),
                outdated = coalesce((select t.active_version_id <> new.template_version_id from template t
                    where t.id = workspace.template_id), false)
            where id = new.workspace_id and (latest_build_id is null or latest_build_id <> new.id)
                and not exists (select 1 from workspace_build b
                    where b.workspace_id = new.workspace_id and b.number > new.number);"
        )
    };
}

/// What the state of a job means for the workspace whose latest build it makes.
macro_rules! moved_on {
    () => {
        concat!(
            "update workspace set status = ",
            status!("new.state", "b.transition"),
            " from workspace_build b
            where b.organization_id = new.organization_id and b.provisioner_job_id = new.id
                and workspace.id = b.workspace_id and workspace.latest_build_id = b.id;"
        )
    };
}

/// What another active version means for the workspaces of a template. Nobody asks that of those that are deleted.
macro_rules! promoted {
    () => {
        "update workspace set outdated = not outdated from workspace_build b
            where workspace.template_id = new.id and workspace.deleted_at is null and b.id = workspace.latest_build_id
                and workspace.outdated <> coalesce(b.template_version_id <> new.active_version_id, false);"
    };
}

const UP: &[&str] = &[
    // Without a foreign key, which would be asked with every build: nothing but these triggers writes it. Before its first
    // build, which is of the same transaction, a workspace waits for it.
    "alter table workspace add column latest_build_id {uuid}",
    "alter table workspace add column status text not null default 'PENDING'
        constraint ck_workspace_status check (status in ('PENDING', 'STARTING', 'RUNNING', 'STOPPING', 'STOPPED',
            'DELETING', 'DELETED', 'CANCELING', 'CANCELED', 'FAILED'))",
    "alter table workspace add column outdated boolean not null default false",
    concat!(
        "update workspace set latest_build_id = b.id, status = ",
        status!("j.state", "b.transition"),
        ", outdated = coalesce(t.active_version_id <> b.template_version_id, false)
        from workspace_build b join provisioner_job j on j.id = b.provisioner_job_id, template t
        where b.workspace_id = workspace.id and t.id = workspace.template_id
            and not exists (select 1 from workspace_build newer
                where newer.workspace_id = b.workspace_id and newer.number > b.number)"
    ),
    // For lists of the whole deployment. An organization, an owner and a template have indexes of their own; SQLite, which
    // knows no numbers, would take these for as good. It uses them but where a statement has their condition, word for word.
    "create index ix_workspace_status_created_at on workspace (status, created_at, id)
        where deleted_at is null and status <> ''",
    "create index ix_workspace_status_name on workspace (status, name, id)
        where deleted_at is null and status <> ''",
    "create index ix_workspace_outdated_created_at on workspace (outdated, created_at, id)
        where deleted_at is null and status <> ''",
    "create index ix_workspace_outdated_name on workspace (outdated, name, id)
        where deleted_at is null and status <> ''",
    // Jobs and templates are locked before workspaces, and of several workspaces the first by its id first: so no two wait
    // for each other. Each statement of a function sees what was committed before it, also while the one before waited.
    concat!(
        "{postgres}create function workspace_is_built() returns trigger language plpgsql as $$
        declare
            made_from uuid;
        begin
            -- Whoever promotes a version waits for this workspace, or has gone before.
            select template_id into made_from from workspace where id = new.workspace_id for no key update;
            -- One that is only being made they would not see.
            if new.number = 1 then
                perform 1 from template where id = made_from for share;
            end if;
            ",
        built!(),
        "
            return null;
        end
    $$"
    ),
    "{postgres}create trigger tr_workspace_build_built after insert on workspace_build
        for each row execute function workspace_is_built()",
    concat!(
        "{postgres}create function workspace_moves_on() returns trigger language plpgsql as $$
        begin
            ",
        moved_on!(),
        "
            return null;
        end
    $$"
    ),
    "{postgres}create trigger tr_provisioner_job_moved_on after update of state on provisioner_job
        for each row when (new.type = 'WORKSPACE_BUILD' and new.state <> old.state)
        execute function workspace_moves_on()",
    concat!(
        "{postgres}create function workspaces_fall_behind() returns trigger language plpgsql as $$
        begin
            perform 1 from workspace where template_id = new.id and deleted_at is null order by id for no key update;
            ",
        promoted!(),
        "
            return null;
        end
    $$"
    ),
    "{postgres}create trigger tr_template_promoted after update of active_version_id on template
        for each row when (new.active_version_id is distinct from old.active_version_id)
        execute function workspaces_fall_behind()",
    concat!(
        "{sqlite}create trigger tr_workspace_build_built after insert on workspace_build begin ",
        built!(),
        " end"
    ),
    concat!(
        "{sqlite}create trigger tr_provisioner_job_moved_on after update of state on provisioner_job
        when new.type = 'WORKSPACE_BUILD' and new.state <> old.state begin ",
        moved_on!(),
        " end"
    ),
    concat!(
        "{sqlite}create trigger tr_template_promoted after update of active_version_id on template
        when new.active_version_id is not old.active_version_id begin ",
        promoted!(),
        " end"
    ),
];

const DOWN: &[&str] = &[
    "{sqlite}drop trigger tr_template_promoted",
    "{sqlite}drop trigger tr_provisioner_job_moved_on",
    "{sqlite}drop trigger tr_workspace_build_built",
    "{postgres}drop function workspaces_fall_behind() cascade",
    "{postgres}drop function workspace_moves_on() cascade",
    "{postgres}drop function workspace_is_built() cascade",
    "drop index ix_workspace_outdated_name",
    "drop index ix_workspace_outdated_created_at",
    "drop index ix_workspace_status_name",
    "drop index ix_workspace_status_created_at",
    "alter table workspace drop column outdated",
    "alter table workspace drop column status",
    "alter table workspace drop column latest_build_id",
];
