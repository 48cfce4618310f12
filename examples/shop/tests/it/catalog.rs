use http::{Method, StatusCode};
use shop::catalog::{Catalog, routes};

use crate::rig::{call, serve};

#[tokio::test]
async fn lists_items_and_shows_one() {
    let address = serve(routes(Catalog::default())).await;
    let (status, list) = call(address, Method::GET, "/items", &[], "").await;
    assert_eq!(status, StatusCode::OK);
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), Catalog::default().items().len());

    let (status, item) = call(address, Method::GET, "/items/mug", &[], "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(item["price_cents"], 1_250);
    assert_eq!(item["similar"].as_array().unwrap().len(), 3);

    let less = [("x-brownout", "1")];
    let (status, item) = call(address, Method::GET, "/items/mug", &less, "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(items.contains(&item), "without the optional part: {item}");
}

#[tokio::test]
async fn says_what_is_not_there() {
    let address = serve(routes(Catalog::default())).await;
    let (status, answer) = call(address, Method::GET, "/items/tea", &[], "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(answer["error"], "there is no such item");
    for path in ["/ready", "/live"] {
        let (status, _) = call(address, Method::GET, path, &[], "").await;
        assert_eq!(status, StatusCode::OK);
    }
}
