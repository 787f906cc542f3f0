//! What somebody asks several times at once is executed once, and never before one of the requests came.

use std::pin::Pin;

use futures_util::{future::join_all, poll};
use guildhall_front::{Answer, Caller, GraphqlParams, Refused};
use serde_json::{Value, json};

use crate::support::{self, TestFront, Who, free};

/// A request under way.
type Asked = Pin<Box<dyn Future<Output = Result<Answer, Refused>> + Send>>;

fn ask(front: &TestFront, id: &str, who: Who, query: &str, variables: Value) -> Asked {
    let (front, query) = (front.clone(), query.to_owned());
    let caller = Caller { request_id: id.into(), ..Caller::direct() };
    let body = json!({"query": query, "variables": variables}).to_string();
    Box::pin(async move {
        let params = GraphqlParams::from_json(body.as_bytes())?;
        front.execute(params, &who, &caller).await
    })
}

/// Requests for the same, all of which have come before the first is answered.
async fn together(mut requests: Vec<Asked>) -> Vec<Result<Value, Refused>> {
    for request in &mut requests {
        assert!(poll!(request).is_pending());
    }
    let answers = join_all(requests).await;
    answers
        .into_iter()
        .map(|answer| answer.map(|answer| serde_json::from_slice(&answer.json).unwrap()))
        .collect()
}

async fn turns(requests: Vec<Asked>) -> Vec<u64> {
    let answers = together(requests).await;
    answers.into_iter().map(|answer| answer.unwrap()["data"]["turn"].as_u64().unwrap()).collect()
}

const TURN: &str = "query T($end: String! = \"\") { turn(end: $end) }";

#[tokio::test]
async fn who_asks_the_same_is_told_the_same_unless_it_was_begun_before() {
    let front = support::front(free());
    let mut asked = ["one", "two", "three", "four"].map(|id| ask(&front, id, Who::User, TURN, json!({})));
    // The second comes before it is begun, the others afterwards.
    for early in [0, 1] {
        assert!(poll!(&mut asked[early]).is_pending());
    }
    tokio::task::yield_now().await;
    assert!(poll!(&mut asked[0]).is_pending());
    let turns = turns(asked.into()).await;
    assert_eq!(turns[0], turns[1]);
    assert_ne!(turns[1], turns[2]);
    assert_eq!(turns[2], turns[3]);
    let mut records = front.host().records.lock().unwrap().clone();
    records.sort();
    let own = "direct T 200 0 []".to_owned();
    let shared = ["one", "three"].map(|id| format!("{own} answered by {id}"));
    assert_eq!(records, [own.clone(), own, shared[0].clone(), shared[1].clone()]);
}

#[tokio::test]
async fn other_people_other_variables_and_other_words_are_other_questions() {
    let front = support::front(free());
    let mut requests = vec![
        ask(&front, "one", Who::User, TURN, json!({})),
        ask(&front, "two", Who::User, TURN, json!({})),
        ask(&front, "three", Who::User, &format!("{TURN} #"), json!({})),
        ask(&front, "four", Who::Nobody, TURN, json!({})),
        ask(&front, "five", Who::Nobody, TURN, json!({})),
    ];
    let failing = ask(&front, "six", Who::User, TURN, json!({"end": "fault"}));
    requests.push(failing);
    let mut answers = together(requests).await;
    let failed = answers.pop().unwrap().unwrap();
    assert_eq!(failed["data"], Value::Null);
    let mut turns: Vec<_> =
        answers.into_iter().map(|answer| answer.unwrap()["data"]["turn"].as_u64().unwrap()).collect();
    assert_eq!(turns[0], turns[1]);
    turns.sort_unstable();
    turns.dedup();
    assert_eq!(turns.len(), 4, "{turns:?}");
}

#[tokio::test]
async fn what_changes_something_or_tells_of_the_request_itself_is_executed_for_each() {
    let front = support::front(free());
    let asked = [(); 3].map(|()| ask(&front, "one", Who::User, "{ turn rateLimit }", json!({})));
    let turns = turns(asked.into()).await;
    assert!(turns[0] < turns[1] && turns[1] < turns[2], "{turns:?}");
    let before = support::WRITES.load(std::sync::atomic::Ordering::Relaxed);
    let asked = [(); 3].map(|()| ask(&front, "one", Who::User, "mutation { write { id } }", json!({})));
    join_all(asked).await;
    assert_eq!(support::WRITES.load(std::sync::atomic::Ordering::Relaxed), before + 3);
}

#[tokio::test]
async fn a_fault_that_is_shared_has_the_id_of_each_request() {
    let front = support::front(free());
    let asked = ["one", "two", "three"].map(|id| ask(&front, id, Who::User, TURN, json!({"end": "fault"})));
    let answers = together(asked.into()).await;
    let ids = answers.into_iter().map(|answer| {
        let answer = answer.unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
        answer["errors"][0]["extensions"]["requestId"].as_str().unwrap().to_owned()
    });
    assert_eq!(ids.collect::<Vec<_>>(), ["one", "two", "three"]);
}

#[tokio::test]
async fn a_panic_is_told_to_all_who_waited_for_it() {
    let front = support::front(free());
    let asked = ["one", "two", "three"].map(|id| ask(&front, id, Who::User, TURN, json!({"end": "panic"})));
    for answer in together(asked.into()).await {
        assert_eq!(answer.unwrap_err().codes()[0].as_str(), "INTERNAL_SERVER_ERROR");
    }
    let asked = [ask(&front, "four", Who::User, TURN, json!({"end": "panic"}))];
    assert!(join_all(asked).await.remove(0).is_err());
}

#[tokio::test]
async fn whoever_goes_away_takes_nothing_along() {
    let front = support::front(free());
    let mut asked = ["one", "two", "three", "four"].map(|id| ask(&front, id, Who::User, TURN, json!({})));
    for request in &mut asked {
        assert!(poll!(request).is_pending());
    }
    let [first, second, third, fourth] = asked;
    drop((first, second, third));
    assert!(fourth.await.is_ok());
    let records = front.host().records.lock().unwrap().clone();
    let gone = "direct T 499 0 []";
    assert_eq!(records, [gone, gone, gone, "direct T 200 0 [] answered by one"]);
}
