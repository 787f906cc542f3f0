//! What the parser takes and what it refuses.

use rstest::rstest;

use super::Line;

#[test]
fn the_parser_is_sound() {
    Line::parser().debug_assert();
}

#[rstest]
#[case("login")]
#[case("login https://guildhall.example.com --username ana --password-stdin")]
#[case("login --first-user --username ana --email ana@example.com --setup-token t")]
#[case("logout")]
#[case("whoami -o json")]
#[case("organizations create data-platform --display-name Data --icon x")]
#[case("org ls")]
#[case("organizations edit data --rename data-platform")]
#[case("organizations delete data --yes")]
#[case("audit list --org data --status denied --limit 5")]
#[case("audit export --from 2026-11-01T00:00:00Z --actor ana")]
#[case("quota show ana --org data")]
#[case("quota preview --template data/dev --owner ana")]
#[case("users update ana --avatar-url x")]
#[case("users create ana --email a@example.com --site-role auditor")]
#[case("users list --site-role owner")]
#[case("organizations update data --display-name -5")]
#[case("groups update data/analysts --avatar-url x")]
#[case("roles update data/clerk --permission GROUP_CREATE")]
#[case("audit list --from 2d --to today --resource PROVISIONER_KEY --action SIGN_IN")]
#[case("can group:create --group data/analysts")]
#[case("can --org data")]
#[case("quota set --group data/analysts 20")]
#[case("quota set --org data --none")]
#[case("members add ana ben --org data --role organization-admin --role organization-auditor")]
#[case("members roles ana --none")]
#[case("members remove ana -O data --yes")]
#[case("users create ana --email a@example.com --org data --org web")]
#[case("groups create data/analysts --quota-allowance 20")]
#[case("groups add data/analysts ana ben")]
#[case("provisioner keys create gpu --org data --tag gpu=a100 --expires-at 2027-01-31T00:00:00Z")]
#[case("provisioner keys list --org data --state expired")]
#[case("provisioner keys update data/gpu --rename cpu --no-tags --never-expires")]
#[case("provisioner keys update data/gpu --tag gpu=h200 --expires-at 2027-01-31T00:00:00Z")]
#[case("provisioner keys rotate data/gpu --overlap-minutes 0")]
#[case("provisioner keys disable data/gpu")]
#[case("provisioner keys enable data/gpu")]
#[case("provisioner keys delete data/gpu --yes")]
#[case("provisioner list --org data")]
#[case("provisioner daemons list --org data")]
#[case("provisioner daemons delete data/build-7 --yes")]
#[case("provisioner health --org data -o json")]
#[case("provisioner jobs list --org data --state pending")]
#[case("provisioner daemons --org data")]
#[case("workspaces restart dev --param image=debian --detach")]
#[case("workspaces update data/dev -p region=eu")]
#[case("workspaces rename dev main --org data")]
#[case("workspaces transfer dev --to ben")]
#[case("workspaces favorite dev --remove")]
#[case("workspaces extend dev 2h")]
#[case("workspaces activate dev")]
#[case("workspaces builds dev")]
#[case("workspaces schedule set dev --autostart '30_8_*_*_1-5' --timezone Europe/Berlin --ttl 9h")]
#[case("workspaces schedule clear dev --autostart --ttl")]
#[case("workspaces schedule show data/dev")]
#[case("workspaces state pull data/dev --build 3 --file dev.tfstate")]
#[case("workspaces state push data/dev dev.tfstate --yes")]
#[case("workspaces delete dev --orphan --yes")]
#[case("provisioner jobs")]
#[case("provisioner jobs --org data --limit 5")]
#[case("provisioner jobs list --org data")]
#[case("provisioner jobs cancel job_1")]
#[case("provisionerd start --org data --key ghpk_x --engine echo --concurrency 4")]
#[case("provisionerd start --org data --key-file /run/key --job-memory-mb 2048 --job-timeout 90")]
#[case("templates push docker-dev --org data --directory ./template --tag gpu=a100 --no-promote")]
#[case("templates promote data/docker-dev v1")]
#[case("workspaces create dev --template data/docker-dev --param cpus=4 --rich-parameter-file dev.toml")]
#[case("ws list --all --org data")]
#[case("ws list --query dev --status running --template data/dev --outdated --dormant=false --sort newest")]
#[case("workspaces touch data/dev")]
#[case("organizations list --query data --limit 3")]
#[case("provisioner daemons --org data --status offline")]
#[case("workspaces logs dev --follow --build 3")]
#[case("--url http://127.0.0.1:1 --token t workspaces delete dev --yes")]
#[case("api graphql -f query={viewer{id}} -F first=5")]
#[case("completion fish")]
fn the_lines_of_the_guide_parse(#[case] line: &str) {
    let words = std::iter::once("guildhall").chain(line.split(' '));
    if let Err(error) = Line::read(words) {
        panic!("{line}: {error}");
    }
}

#[rstest]
#[case("members roles ana", "--role")]
#[case("groups create analysts --quota-allowance -5", "'-5' for")]
#[case("quota set --org data -5", "'-5' for")]
#[case("audit list --limit 0", "expected a number, 1 or more")]
#[case("groups list --limit 0", "expected a number, 1 or more")]
#[case("events --org data --limit 0", "expected a number, 1 or more")]
#[case("audit list --from someday", "or how long ago: 90m, 12h, 2d")]
#[case("tokens create ci --expires-at soon", "or in how long: 90m, 12h, 30d")]
#[case("audit list --action nope", "cancel, create, delete")]
#[case("audit list --resource nope", "audit-log, deployment-settings, group")]
#[case("audit list --status nope", "denied, failure, success")]
#[case("events --org data --resource nope", "audit-log, deployment-settings, group")]
#[case("explain w-gu template:updat", "perhaps template:update")]
#[case("roles create x --permission group:creat", "perhaps group:create")]
#[case("roles edit x --permission nonsense", "`guildhall roles permissions` lists")]
#[case("tokens create ci --scope group", "group:create or group:delete")]
#[case("can pigeon:fly", "`guildhall roles permissions` lists")]
#[case("login --password-stdin --password-file pw", "cannot be used")]
#[case("users create x --email a@example.com --password-stdin --password-file pw", "cannot be used")]
#[case("users create x --service-account --password-file pw", "cannot be used")]
#[case("users create x --service-account --password-stdin", "cannot be used")]
#[case("workspaces schedule set dev --ttl 90", "such as 90m, 4h or 2d")]
#[case("workspaces extend dev 5", "such as 90m, 4h or 2d")]
#[case("quota preview", "--template")]
#[case("quota preview --template dev --workspace dev", "cannot be used")]
#[case("members roles ana --none --role x", "cannot be used")]
#[case("members add", "USERNAME")]
#[case("groups create analysts --quota-allowance=-1", "-1")]
#[case("provisioner keys rotate data/gpu --overlap-minutes 10081", "10080")]
#[case("provisionerd start --org data --key x --concurrency 0", "1..=64")]
#[case("workspaces show a/b/c", "ORG/NAME")]
#[case("workspaces create dev", "--template")]
#[case("workspaces create dev -t dev --param cpus", "NAME=VALUE")]
#[case("workspaces list --all --owner ana", "cannot be used")]
#[case("whoami -o yaml", "table, json")]
fn what_makes_no_sense_is_refused_by_name(#[case] line: &str, #[case] part: &str) {
    let words = std::iter::once("guildhall").chain(line.split(' '));
    match Line::read(words) {
        Ok(parsed) => panic!("{line} was accepted: {parsed:?}"),
        Err(error) => assert!(error.to_string().contains(part), "{error}"),
    }
}

/// What the environment sets, or was given for all commands, is not what was wrong.
#[test]
fn a_refusal_shows_the_command_and_not_the_global_options() {
    let line =
        ["guildhall", "--url", "http://127.0.0.1:1", "--token", "t", "--config-dir", "/x", "members", "add"];
    let error = Line::read(line).unwrap_err().to_string();
    assert!(error.contains("Usage: guildhall members add"), "{error}");
    assert!(!error.contains("--url") && !error.contains("--token"), "{error}");
}

#[test]
fn secrets_of_the_command_line_are_not_shown_when_it_is_printed() {
    let words = ["guildhall", "--token", "very-secret", "whoami"];
    match Line::read(words) {
        Ok(parsed) => assert!(!format!("{parsed:?}").contains("very-secret")),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_command_explains_itself() {
    fn walk(command: &clap::Command) {
        assert!(command.get_about().is_some() || command.get_name() == "guildhall", "{}", command.get_name());
        for argument in command.get_arguments() {
            let name = format!("{} {}", command.get_name(), argument.get_id());
            assert!(argument.get_help().is_some() || argument.get_id() == "help", "{name}");
        }
        command.get_subcommands().for_each(walk);
    }
    walk(&Line::parser());
}
