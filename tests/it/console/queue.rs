use serde_json::{Value, json};
use thatgia::domain::Role;

use super::html::Html;
use super::{Browser, Finds, found, with_listings};
use crate::support::{FakeScorer, TestApp};

/// Titles that a page must survive.
pub(super) const HOSTILE: [&str; 7] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "{{ 7*7 }}{% raw %}",
    "abc\u{202e}txt.gpj\u{202c}",
    "N\u{200b}i\u{200b}ke\u{200f}\u{feff}",
    "&lt;b&gt; &amp; ]]> --> </title></body>",
];

fn titles(page: &Html) -> Vec<&str> {
    page.all("h2").into_iter().map(|e| e.text.as_str()).collect()
}

async fn analyst(app: &TestApp) -> Browser {
    Browser::signed_in(app, Role::Analyst, &[]).await
}

#[tokio::test]
async fn suspects_are_ranked_page_by_page() {
    let listings: Vec<Value> = (0..7)
        .map(|i| json!({"id": format!("l{i}"), "title": format!("t{i}{}", "!".repeat(i))}))
        .collect();
    let app = with_listings(FakeScorer::new(), listings.into()).await;
    let browser = analyst(&app).await;
    let page = browser.page("/console/").await;
    assert_eq!(titles(&page), ["t6!!!!!!", "t5!!!!!", "t4!!!!"]);
    assert!(page.text().contains("98,2 %"), "{}", page.text());
    let bands: Vec<_> = page.with_class("band").into_iter().map(|e| e.text.as_str()).collect();
    assert_eq!(bands, ["Cao", "Cao", "Cao"]);
    let mut page = page;
    let mut seen = 3;
    loop {
        let next = page.all("a").into_iter().find(|a| a.attribute("rel") == Some("next"));
        let Some(next) = next else { break };
        page = browser.page(next.attribute("href").unwrap()).await;
        seen += titles(&page).len();
    }
    assert_eq!(seen, 7);
    assert!(page.text().contains("Hết danh sách."));
    assert!(page.text().contains("Thấp") && page.with_class("low").len() == 2);
    for bad in ["band=huge", "cursor=%27", &format!("brand={}", "a".repeat(600))] {
        let answer = browser.get(&format!("/console/?{bad}")).await;
        assert_eq!(answer.status, 400, "{bad}");
        assert_eq!(Html::parse(&answer).all("h1")[0].text, "Địa chỉ không đúng");
    }
}

#[tokio::test]
async fn filters_narrow_the_list_and_stay_in_every_link() {
    let app = with_listings(
        FakeScorer::new(),
        json!([
            {"id": "a", "title": "a!!!!", "platform": "Shopee", "brand": "D&G \"x\"", "seller": {"location": "Hà Nội"}},
            {"id": "b", "title": "b!!", "platform": "tiki", "brand": "Dior", "seller": {"location": "Đồng Nai"}},
            {"id": "c", "title": "c", "platform": "tiki"},
        ]),
    )
    .await;
    let browser = analyst(&app).await;
    let page = browser.page("/console/?platform=tiki&brand=&province=&band=").await;
    assert_eq!(titles(&page), ["b!!", "c"]);
    assert_eq!((page.value("platform").as_str(), page.value("brand").as_str()), ("tiki", ""));
    let listing = browser.page(page.link("data-item").unwrap()).await;
    assert_eq!(listing.link("data-back"), Some("/console/?platform=tiki"));
    assert_eq!(listing.link("data-next"), Some("/console/listings/c?platform=tiki"));
    let last = browser.page("/console/listings/c?platform=tiki").await;
    assert_eq!(last.link("data-next"), None);

    let all = browser.page("/console/").await;
    let brand = all.all("a").into_iter().find(|a| a.text == "D&G \"x\"").unwrap();
    assert_eq!(titles(&browser.page(brand.attribute("href").unwrap()).await), ["a!!!!"]);
    let high = browser.page("/console/?band=high").await;
    let chosen: Vec<_> =
        high.all("option").into_iter().filter(|o| o.attribute("selected").is_some()).collect();
    assert_eq!((chosen.len(), chosen[0].text.as_str()), (1, "Cao"));
    let none = browser.page("/console/?brand=%27%20OR%201%3D1--").await;
    assert!(none.text().contains("Không có tin nào khớp bộ lọc"));

    let bound = Browser::signed_in(&app, Role::Analyst, &["Đồng Nai"]).await;
    assert_eq!(titles(&bound.page("/console/").await), ["b!!"]);
    let hidden = bound.get("/console/listings/a").await;
    assert_eq!(hidden.status, 404);
    assert_eq!(Html::parse(&hidden).all("h1")[0].text, "Không có tin này");
    let seen = bound.page("/console/listings/b").await;
    assert_eq!(seen.link("data-next"), None, "what comes next is within the provinces too");
}

#[tokio::test]
async fn an_empty_store_says_what_to_do() {
    let app = TestApp::new().await;
    let page = analyst(&app).await.page("/console/").await;
    assert!(page.text().contains("Chưa có tin nào"), "{}", page.text());
    let page = analyst(&app).await.page("/console/?lang=en").await;
    assert!(page.text().contains("No listings yet"), "{}", page.text());
}

#[tokio::test]
async fn hostile_texts_stay_texts() {
    let evidence = vec![
        found("title", 2, 9, "<i>quoted", 2.5),
        found("title", 5, 12, "\u{202e}\"'", -1.0),
        found("title", 1000, 2000, "far", 0.7),
        found("title", 9, 3, "backwards", 0.6),
        found("description", 0, 5, "elsewhere", 0.5),
    ];
    let listings: Vec<Value> = HOSTILE
        .iter()
        .map(|t| json!({"id": t, "title": t, "platform": t, "brand": t, "seller": {"name": t, "location": t}}))
        .collect();
    for three in listings.chunks(3) {
        let app = with_listings(Finds::new(evidence.clone()), three.into()).await;
        let browser = analyst(&app).await;
        let page = browser.page("/console/").await;
        assert_eq!(titles(&page).len(), three.len());
        for listing in three {
            let title = listing["title"].as_str().unwrap();
            if !title.contains(['\u{202e}', '\u{200b}']) {
                assert!(titles(&page).contains(&title), "{title} in {:?}", titles(&page));
            }
        }
        let item = |e: &&super::html::Element| e.attribute("data-item").is_some();
        for link in page.all("a").into_iter().filter(item) {
            browser.page(link.attribute("href").unwrap()).await;
        }
        let q: Vec<_> = page.all("q").into_iter().map(|e| e.text.as_str()).collect();
        assert_eq!(q[..3], ["<i>quoted", "U+202E\"'", "far"]);
    }
}

#[tokio::test]
async fn evidence_is_marked_where_it_stands() {
    let evidence = vec![
        found("title", 5, 8, "rep", 2.5),
        found("title", 7, 13, "p đẹp", -1.0),
        found("title", 14, 99, "…", 0.3),
    ];
    let app = with_listings(
        Finds::new(evidence),
        json!([{"id": "a", "title": "Giày rep đẹp lắm", "price": {"amount": 1250000}}]),
    )
    .await;
    let page = analyst(&app).await.page("/console/").await;
    assert_eq!(titles(&page), ["Giày rep đẹp lắm"]);
    let marks: Vec<_> = page
        .all("mark")
        .into_iter()
        .map(|m| (m.attribute("class").unwrap(), m.text.as_str()))
        .collect();
    assert_eq!(marks, [("risk", "re"), ("risk", "p"), ("relief", " đẹp "), ("risk", "ắm")]);
    let tip = page.all("mark")[1].attribute("title").unwrap();
    assert_eq!(tip, "lý do “2.5” <b> (+2,50)\nlý do “-1” <b> (\u{2212}1,00)");
    assert!(page.text().contains("1.250.000 ₫"));
}
