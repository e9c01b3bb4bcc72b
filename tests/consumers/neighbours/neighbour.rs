//! Somebody else's Rust library: with a standard library of its own, whose threads, allocations and panics it uses.

use std::{panic, thread};

/// 0 where the even of ten threads have ended in a panic, and the odd have not.
#[unsafe(no_mangle)]
pub extern "C" fn neighbour() -> i32 {
    panic::set_hook(Box::new(|_| ()));
    let threads = (0..10).map(|number| thread::spawn(move || odd(number))).collect::<Vec<_>>();
    let odd = threads.into_iter().filter_map(|thread| thread.join().ok());
    i32::from(odd.collect::<Vec<_>>() != ["1", "3", "5", "7", "9"])
}

fn odd(number: u32) -> String {
    assert!(number % 2 == 1, "{number} is even");
    number.to_string()
}
