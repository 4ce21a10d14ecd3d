//! A server that takes its time as it is told.

use std::io::{Read, Write};
use std::net::{SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A server of ours, in a thread, that takes its time as it is told.
pub struct Slow {
    pub address: SocketAddrV4,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Slow {
    /// `pause` says how long the server stands still before it answers a request, by its number.
    pub fn start(pause: impl Fn(u64) -> Duration + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else {
            panic!("an address of another kind");
        };
        let stopping = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stopping);
        let thread = thread::spawn(move || {
            let answered = AtomicU64::new(0);
            for connection in listener.incoming() {
                if told.load(Ordering::Acquire) {
                    return;
                }
                thread::sleep(pause(answered.fetch_add(1, Ordering::Relaxed)));
                answer(connection.unwrap());
            }
        });
        Self {
            address,
            stopping,
            thread: Some(thread),
        }
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn answer(mut connection: TcpStream) {
    let mut request = Vec::new();
    let mut chunk = [0; 512];
    while !request.ends_with(b"\r\n\r\n") {
        match connection.read(&mut chunk) {
            Ok(read @ 1..) => request.extend_from_slice(&chunk[..read]),
            _ => return,
        }
    }
    let _ = connection.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
}
