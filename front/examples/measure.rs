//! temp
#![allow(clippy::all, missing_docs, unused)]
#[path = "../tests/support/mod.rs"]
mod support;
use guildhall_front::*;
use std::time::Instant;
fn main() {
    let q = "query Flag($n: Int) { person { id name friends(first: $n) { nodes { id name friend { id name } } edges { cursor node { id } } totalCount } } pets { id name ... on Dog { barks } } }";
    let doc = async_graphql::parser::parse_query(q).unwrap();
    let n = 20000;
    let t = Instant::now();
    for _ in 0..n {
        std::hint::black_box(doc.clone());
    }
    println!("clone {:?}", t.elapsed() / n);
    let t = Instant::now();
    for _ in 0..n {
        std::hint::black_box(async_graphql::parser::parse_query(q).unwrap());
    }
    println!("parse {:?}", t.elapsed() / n);
    let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let front = support::front(support::free());
    let vars = || Some(serde_json::json!({"n": 0}).as_object().unwrap().clone());
    rt.block_on(async {
        for (name, query) in [("typename", "{ __typename }"), ("flag n=0", q)] {
            let t = Instant::now();
            for _ in 0..n {
                let p = GraphqlParams { variables: vars(), ..GraphqlParams::of(query) };
                std::hint::black_box(front.execute(p, &support::Who::User, &Caller::direct()).await.unwrap());
            }
            println!("front {name} {:?}", t.elapsed() / n);
            let schema = support::schema();
            let doc = async_graphql::parser::parse_query(query).unwrap();
            let t = Instant::now();
            for _ in 0..n {
                let mut r = async_graphql::Request::new("")
                    .variables(async_graphql::Variables::from_json(serde_json::json!({"n": 0})))
                    .data(support::Who::User);
                r.set_parsed_query(doc.clone());
                let r = schema.execute(r).await;
                std::hint::black_box(serde_json::to_vec(&r).unwrap());
            }
            println!("async-graphql alone {name} {:?}", t.elapsed() / n);
        }
        let t = Instant::now();
        let m = 2000u32;
        for i in 0..m {
            let p =
                GraphqlParams { variables: vars(), ..GraphqlParams::of(q.replace("Flag", &format!("F{i}"))) };
            front.execute(p, &support::Who::User, &Caller::direct()).await.unwrap();
        }
        println!("front uncached {:?}", t.elapsed() / m);
    });
}
