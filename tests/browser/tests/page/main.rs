//! The page in a real browser: what it promises to somebody who opens it.

mod browser;
#[path = "../../../trend/made.rs"]
#[allow(dead_code)]
mod made;
mod pages;
#[path = "../../../page/recorded.rs"]
#[allow(dead_code)]
mod recorded;

use browser::{Browser, with_browser};
use pages::Page;
use serde_json::{Value, json};

const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';

/// Runs `look` on every page, each freshly loaded.
async fn on_every_page(browser: &Browser, look: impl AsyncFn(&Page)) {
    for page in pages::all() {
        browser.open(&page.file, "").await;
        look(&page).await;
    }
}

#[test]
fn nothing_stands_on_the_console() {
    with_browser(async |browser| {
        on_every_page(browser, async |page| {
            assert_eq!(browser.console().await, [""; 0], "{}", page.name);
        })
        .await;
        browser.ask("setTimeout(() => missing())").await;
        browser.ask("console.error('planted')").await;
        assert!(
            !browser.console().await.is_empty(),
            "an error on the console is seen"
        );
    });
}

#[test]
fn no_request_leaves_the_page() {
    let requests = "return performance.getEntriesByType('resource').map(entry => entry.name)";
    with_browser(async |browser| {
        on_every_page(browser, async |page| {
            assert_eq!(browser.ask(requests).await, json!([]), "{}", page.name);
            let policy = browser
                .ask("return document.querySelector('meta[http-equiv=Content-Security-Policy]').content")
                .await;
            assert!(policy.as_str().unwrap().contains("default-src 'none'"), "{policy}");
        })
        .await;
        // The policy holds: what is planted now is refused, and the console says so.
        browser.console().await;
        browser
            .ask("const image = new Image(); image.src = 'http://127.0.0.1:9/'; document.body.append(image)")
            .await;
        let said = browser.console().await.join("\n");
        assert!(said.contains("Content Security Policy"), "{said}");
    });
}

/// The innermost of what sticks out of the page, the first few of it.
const WIDE: &str = "
    const sticks = element => element.getBoundingClientRect().right > 361
        || element.scrollWidth > element.clientWidth && element.clientWidth > 0;
    const held = element => element.closest('.scroll, svg') && getComputedStyle(element).position !== 'absolute';
    return [...document.querySelectorAll('body *')]
        .filter(element => sticks(element) && !held(element) && ![...element.children].some(sticks))
        .slice(0, 8).map(element => element.outerHTML.slice(0, 160))";

#[test]
fn nothing_scrolls_sideways_on_a_phone() {
    let width = "document.querySelectorAll('details').forEach(details => details.open = true); \
                 return document.documentElement.scrollWidth";
    with_browser(async |browser| {
        let phone = json!({ "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true });
        browser
            .devtools("Emulation.setDeviceMetricsOverride", phone)
            .await;
        on_every_page(browser, async |page| {
            let width = browser.ask(width).await.as_u64().unwrap();
            assert!(
                width <= 360,
                "{}: {width} pixels wide: {}",
                page.name,
                browser.ask(WIDE).await
            );
            assert_eq!(
                browser.ask("return innerWidth").await,
                json!(360),
                "{}",
                page.name
            );
        })
        .await;
        browser
            .ask("document.body.insertAdjacentHTML('beforeend', '<div style=\"width:900px\">.</div>')")
            .await;
        assert!(
            browser.ask(width).await.as_u64().unwrap() > 360,
            "what is too wide is seen"
        );
    });
}

/// The figures of the column whose header has the focus, from top to bottom, and how it is sorted.
const FOCUSED_COLUMN: &str = "
    const head = document.activeElement.closest('th');
    const rows = [...head.closest('table').tBodies[0].rows];
    const cells = rows.map(row => row.cells[head.cellIndex]);
    return [
        head.getAttribute('aria-sort'),
        cells.filter(cell => cell && cell.dataset.n).map(cell => Number(cell.dataset.n)),
    ]";

#[test]
fn the_table_sorts_by_keyboard() {
    let column = async |browser: &Browser| -> (Value, Vec<f64>) {
        let answer = browser.ask(FOCUSED_COLUMN).await;
        serde_json::from_value(answer).unwrap()
    };
    with_browser(async |browser| {
        on_every_page(browser, async |page| {
            browser.open(&page.file, "table").await;
            let mut presses = 0;
            while browser
                .ask("return document.activeElement.textContent")
                .await
                != page.column
            {
                browser.press(TAB).await;
                presses += 1;
                assert!(
                    presses < 20,
                    "{}: the header of {} is not reached",
                    page.name,
                    page.column
                );
            }
            let (sorted, before) = column(browser).await;
            assert_eq!(sorted, "none");
            assert!(before.len() > 3, "{}: {before:?}", page.name);
            browser.press(ENTER).await;
            let (sorted, ascending) = column(browser).await;
            assert_eq!(sorted, "ascending");
            assert!(ascending.is_sorted(), "{}: {ascending:?}", page.name);
            assert_ne!(
                ascending, before,
                "{}: it was in this order before",
                page.name
            );
            browser.press(ENTER).await;
            let (sorted, mut descending) = column(browser).await;
            assert_eq!(sorted, "descending");
            descending.reverse();
            assert!(descending.is_sorted(), "{}: {descending:?}", page.name);
            assert_eq!(descending.len(), before.len());
        })
        .await;
    });
}

/// Elements that only text taken for markup can have made, and attributes that run something.
const PLANTED: &str = "
    const scripts = [...document.querySelectorAll('script')].slice(1);
    const made = document.querySelectorAll('.planted, img, iframe, object, embed, form, base');
    const links = [...document.querySelectorAll('a')].filter(link => link.protocol === 'javascript:');
    const running = [...document.querySelectorAll('*')].filter(element =>
        [...element.attributes].some(attribute => attribute.name.startsWith('on')));
    return [...scripts, ...made, ...links, ...running].map(element => element.outerHTML.slice(0, 200))";

#[test]
fn hostile_text_stays_text() {
    with_browser(async |browser| {
        for page in [pages::hostile(), pages::hostile_trend()] {
            browser.open(&page.file, "").await;
            assert_eq!(browser.dialogue().await, None, "{}", page.name);
            assert_eq!(browser.ask(PLANTED).await, json!([]), "{}", page.name);
            let text = browser.ask("return document.body.textContent").await;
            assert!(
                text.as_str().unwrap().contains("<script>alert(1)</script>"),
                "{}: the text itself is there to read",
                page.name
            );
            // Sorting moves what is there and must not read it as markup either.
            browser
                .ask("document.querySelectorAll('#full button').forEach(button => button.click())")
                .await;
            assert_eq!(browser.dialogue().await, None, "{}", page.name);
            assert_eq!(browser.ask(PLANTED).await, json!([]), "{}", page.name);
            assert_eq!(browser.console().await, [""; 0], "{}", page.name);
        }
        browser
            .ask("document.body.insertAdjacentHTML('beforeend', '<b class=planted></b><p onclick=a()></p>')")
            .await;
        assert_eq!(
            browser.ask(PLANTED).await.as_array().unwrap().len(),
            2,
            "planted markup is seen"
        );
    });
}

/// Contrast of the body's text to its background, as WCAG 2 defines it, and whether the ground is dark.
const CONTRAST: &str = "
    const luminance = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(value => {
            const share = value / 255;
            return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const style = getComputedStyle(document.body);
    const ground = luminance(style.backgroundColor);
    const text = luminance(style.color);
    return [(Math.max(ground, text) + 0.05) / (Math.min(ground, text) + 0.05), ground < 0.2]";

#[test]
fn it_is_readable_in_light_and_in_dark() {
    with_browser(async |browser| {
        for scheme in ["light", "dark"] {
            let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
            browser
                .devtools(
                    "Emulation.setEmulatedMedia",
                    json!({ "features": features }),
                )
                .await;
            for page in [pages::everything(), pages::trend()] {
                browser.open(&page.file, "").await;
                let (contrast, dark): (f64, bool) =
                    serde_json::from_value(browser.ask(CONTRAST).await).unwrap();
                let name = page.name;
                assert_eq!(dark, scheme == "dark", "{name}: the ground in {scheme}");
                assert!(
                    contrast >= 7.0,
                    "{name}, {scheme}: a contrast of {contrast}"
                );
            }
        }
    });
}

#[test]
fn every_link_has_its_target() {
    let dangling = "
        const exists = id => document.getElementById(decodeURIComponent(id)) !== null;
        const links = [...document.querySelectorAll('a[href^=\"#\"]')];
        const labels = [...document.querySelectorAll('label[for]')];
        return [
            links.length,
            links.map(link => link.hash.slice(1)).filter(id => !exists(id)),
            labels.map(label => label.htmlFor).filter(id => !exists(id)),
            [...document.querySelectorAll('[id]')].map(element => element.id)
                .filter((id, index, all) => all.indexOf(id) !== index),
        ]";
    with_browser(async |browser| {
        on_every_page(browser, async |page| {
            let answer = browser.ask(dangling).await;
            assert!(answer[0].as_u64().unwrap() > 5, "{}: {answer}", page.name);
            assert_eq!(answer[1], json!([]), "{}: links", page.name);
            assert_eq!(answer[2], json!([]), "{}: labels", page.name);
            assert_eq!(
                answer[3],
                json!([]),
                "{}: one id, several elements",
                page.name
            );
        })
        .await;
        browser
            .ask("document.body.insertAdjacentHTML('beforeend', '<a href=\"#nowhere\">.</a>')")
            .await;
        assert_eq!(
            browser.ask(dangling).await[1],
            json!(["nowhere"]),
            "a dangling link is seen"
        );
    });
}

#[test]
fn it_works_without_javascript() {
    let visible = "
        const visible = element => element.checkVisibility() && element.getBoundingClientRect().width > 100;
        return [
            [...document.querySelectorAll('figure.chart svg')].filter(visible).length,
            document.querySelectorAll('table.full').length
                - [...document.querySelectorAll('table.full')].filter(visible).length,
            document.querySelector('#full button').disabled,
        ]";
    with_browser(async |browser| {
        browser
            .devtools(
                "Emulation.setScriptExecutionDisabled",
                json!({ "value": true }),
            )
            .await;
        for page in [pages::everything(), pages::trend()] {
            browser.open(&page.file, "").await;
            let answer = browser.ask(visible).await;
            // The page's script is what enables the buttons: it has not run.
            assert_eq!(answer[2], json!(true), "{}: its script ran", page.name);
            assert!(answer[0].as_u64().unwrap() > 3, "{}: {answer}", page.name);
            assert_eq!(answer[1], json!(0), "{}: hidden tables", page.name);
        }
    });
}
