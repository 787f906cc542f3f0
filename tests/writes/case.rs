//! A valid use of a mutation, and that it is whole or nothing.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fault::Fault;
use crate::support::TestApp;

/// A valid use of a mutation.
pub(super) struct Case {
    pub(super) mutation: &'static str,
    pub(super) token: Option<String>,
    /// None for the mutation that takes none.
    pub(super) input: Option<Value>,
    /// How many entries of the audit log it leaves; the same number for each item.
    pub(super) entries: usize,
    /// What tells its input from the plainest of its mutation, where there are several; else empty.
    pub(super) with: &'static str,
    /// The field of the input that holds the items of a bulk mutation.
    items: Option<&'static str>,
    /// Other inputs that mean something else to the policy, and how.
    pub(super) others: Vec<(&'static str, Value)>,
}

impl Case {
    pub(super) fn new(
        mutation: &'static str,
        token: Option<&str>,
        input: Option<Value>,
        entries: usize,
    ) -> Self {
        let token = token.map(str::to_owned);
        Self { mutation, token, input, entries, with: "", items: None, others: Vec::new() }
    }

    /// It is not the plainest use of its mutation.
    pub(super) fn with(mut self, with: &'static str) -> Self {
        self.with = with;
        self
    }

    /// It answers for each item of this field, each of which is a change of its own.
    pub(super) fn of_each(mut self, items: &'static str) -> Self {
        self.items = Some(items);
        self
    }

    /// Who may do it is another question with this input.
    pub(super) fn or(mut self, with: &'static str, input: Value) -> Self {
        self.others.push((with, input));
        self
    }

    async fn send(&self, app: &TestApp, input: Option<&Value>) -> Value {
        match input {
            Some(input) => app.call(self.token.as_deref(), self.mutation, "__typename", input.clone()).await,
            None => {
                let document = format!("mutation {{ {} {{ userErrors {{ message }} }} }}", self.mutation);
                app.graphql(self.token.as_deref(), &document, json!({})).await
            }
        }
    }

    /// Sends it while a fault is armed.
    async fn send_at(&self, app: &TestApp, input: Option<&Value>, fault: Fault) -> Value {
        fault.arm(app).await;
        let body = self.send(app, input).await;
        fault.disarm(app).await;
        body
    }

    /// How many items an input holds.
    fn count(&self, input: Option<&Value>) -> usize {
        self.items.map_or(1, |items| input.unwrap()[items].as_array().unwrap().len())
    }

    /// Fails at its entry, at its commit and at each of its writes, and leaves nothing but items that were whole before;
    /// then succeeds, and leaves its entries.
    pub(super) async fn try_on(&self, app: &TestApp) {
        let name = self.mutation;
        let mut input = self.input.clone();
        let mut before = app.tables().dump().await;
        // What leaves no entry has nothing for these to fail at.
        for fault in [Fault::Entry, Fault::Commit].into_iter().filter(|_| self.entries > 0) {
            let body = self.send_at(app, input.as_ref(), fault).await;
            assert!(failed(&body), "{name} at {fault:?}: {body:#}");
            assert_nothing_left(&format!("{name} at {fault:?}"), &before, &app.tables().dump().await);
        }
        let each = self.entries / self.count(input.as_ref());
        let (mut at, mut faults, mut entries) = (1, 0, app.tables().count("audit_log").await);
        let first = entries;
        loop {
            let body = self.send_at(app, input.as_ref(), Fault::Write(at)).await;
            if !failed(&body) {
                assert!(body.get("errors").is_none(), "{name}: {body:#}");
                assert_eq!(body["data"][name]["userErrors"], json!([]), "{name}: {body:#}");
                break;
            }
            faults += 1;
            let (context, after) = (format!("{name} at write {at}"), app.tables().dump().await);
            let made = app.tables().count("audit_log").await - entries;
            if made == 0 {
                assert_nothing_left(&context, &before, &after);
                at += 1;
                continue;
            }
            let Some(list) = self.items else { panic!("{context} left {made} entries") };
            // Those before the item that failed are there, and whole: the others are asked for alone from now on.
            assert_eq!(made % each, 0, "{context} left half of an item: {made} entries");
            let list = input.as_mut().unwrap()[list].as_array_mut().unwrap();
            assert!(made / each < list.len(), "{context} failed, and yet did all");
            list.drain(..made / each);
            (at, entries, before) = (1, entries + made, after);
        }
        assert!(faults > 0, "{name} wrote nothing that could fail");
        assert_eq!(self.count(input.as_ref()), 1, "{name}: an item did not fail by itself");
        assert_eq!(app.tables().count("audit_log").await - first, self.entries, "{name}");
        // By the request they can be read together (adr/0012).
        let last = format!("select request_id from audit_log order by time desc, id desc limit {each}");
        let requests: BTreeSet<String> = app.tables().texts(&last).await.into_iter().collect();
        assert_eq!(requests.len(), each.min(1), "{name}: {requests:?}");
        assert!(!requests.contains(""), "{name}");
    }
}

/// The fault, masked as every fault.
fn failed(body: &Value) -> bool {
    body["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
}

fn assert_nothing_left(context: &str, before: &BTreeSet<String>, after: &BTreeSet<String>) {
    // A try to sign in counts, whatever becomes of it.
    let counts = |row: &&String| row.starts_with("sign_in_attempt ");
    let left: Vec<_> = after.symmetric_difference(before).filter(|row| !counts(row)).collect();
    assert!(left.is_empty(), "{context} left {left:#?}");
}
