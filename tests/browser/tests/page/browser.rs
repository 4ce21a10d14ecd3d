//! A browser of one's own: chromedriver on a free port, a fresh profile, and no trace of either after.

use std::fmt::Debug;
use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::time::timeout;
use url::{ParseError, Url};

/// What a test sees of the browser.
pub struct Browser {
    client: Client,
}

/// chromedriver, ended when the test ends, however it ends.
struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    /// Starts chromedriver; `None` where there is none.
    fn start() -> Option<Self> {
        let child = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut driver = Self { child, port: 0 };
        // `ChromeDriver was started successfully on port 40123.`
        let output = driver.child.stdout.as_mut().expect("it was asked for");
        for line in BufReader::new(output).lines() {
            let line = line.unwrap();
            if let Some((_, port)) = line.split_once("successfully on port ") {
                driver.port = port.trim_end_matches('.').parse().unwrap();
                return Some(driver);
            }
        }
        panic!("chromedriver did not say which port it listens on");
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `test` in a fresh browser. Where there is no browser, a test on somebody's own machine says so
/// and passes; in CI it fails.
pub fn with_browser(test: impl AsyncFnOnce(&Browser)) {
    let Some(driver) = Driver::start() else {
        let in_ci = std::env::var("CI").is_ok_and(|ci| !ci.is_empty() && ci != "false");
        assert!(!in_ci, "chromedriver is not installed, and CI is set");
        eprintln!(
            "SKIPPED: chromedriver is not installed: apt-get install chromium chromium-driver"
        );
        return;
    };
    let profile = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let client = runtime
        .block_on(
            ClientBuilder::new(HttpConnector::new())
                .capabilities(capabilities(profile.path()))
                .connect(&format!("http://127.0.0.1:{}", driver.port)),
        )
        .expect("a session: is chromium installed?");
    let browser = Browser { client };
    let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(test(&browser))));
    // Chromium outlives its driver: it has to be asked to go, also where the test failed.
    let patience = Duration::from_secs(20);
    let closed = runtime.block_on(async { timeout(patience, browser.client.close()).await });
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
    closed.expect("the browser goes when it is asked").unwrap();
}

fn capabilities(profile: &Path) -> serde_json::Map<String, Value> {
    let options = json!({
        "goog:chromeOptions": { "args": [
            "--headless=new",
            // CI runs as root in containers, where Chromium's sandbox refuses to start. What is opened
            // here was made here.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--no-first-run",
            format!("--user-data-dir={}", profile.display()),
        ] },
        "goog:loggingPrefs": { "browser": "ALL" },
        "unhandledPromptBehavior": "ignore",
    });
    options.as_object().unwrap().clone()
}

impl Browser {
    /// Opens a file, at a fragment if it is not empty.
    pub async fn open(&self, page: &Path, fragment: &str) {
        let mut url = Url::from_file_path(page).unwrap();
        url.set_fragment((!fragment.is_empty()).then_some(fragment));
        // A change of the fragment alone would not load the page anew.
        self.client.goto("about:blank").await.unwrap();
        self.client.goto(url.as_str()).await.unwrap();
    }

    /// What `body`, the body of a function in JavaScript, returns.
    pub async fn ask(&self, body: &str) -> Value {
        let answer = timeout(
            Duration::from_secs(60),
            self.client.execute(body, Vec::new()),
        );
        answer.await.expect("an answer within a minute").unwrap()
    }

    /// Presses a key and lets it go.
    pub async fn press(&self, key: char) {
        let keys = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value: key })
            .then(KeyAction::Up { value: key });
        self.client.perform_actions(keys).await.unwrap();
    }

    /// A command of Chromium's own protocol.
    pub async fn devtools(&self, command: &'static str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        let post = Post {
            path: "goog/cdp/execute",
            body,
        };
        self.client.issue_cmd(post).await.unwrap()
    }

    /// What stood on the console since this was last asked, each with its level.
    pub async fn console(&self) -> Vec<String> {
        let post = Post {
            path: "se/log",
            body: json!({ "type": "browser" }),
        };
        let log = self.client.issue_cmd(post).await.unwrap();
        let entries = log.as_array().unwrap();
        entries
            .iter()
            .map(|entry| format!("{}: {}", entry["level"], entry["message"]))
            .collect()
    }

    /// The text of an open dialogue; `None` where there is none.
    pub async fn dialogue(&self) -> Option<String> {
        self.client.get_alert_text().await.ok()
    }
}

/// A command that the WebDriver standard does not have.
#[derive(Debug)]
struct Post {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Post {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!(
            "session/{}/{}",
            session.unwrap_or_default(),
            self.path
        ))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
