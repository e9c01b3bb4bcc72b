//! Handles: Rust values that C owns by pointer and never looks into.

use crate::error::{Code, Error, Result};

/// A type that C holds by pointer. The four casts between pointer and value are here and nowhere else.
pub(super) trait Handle: Sized {
    /// The parameter's name, for messages.
    const NAME: &'static str;

    /// Gives the value to C; it comes back through [`Handle::take_back`].
    fn hand_out(self) -> *mut Self {
        Box::into_raw(Box::new(self))
    }

    /// Lends what C passed to a call.
    ///
    /// # Safety
    /// `pointer` is NULL or came from [`Handle::hand_out`], was not taken back, stays alive for `'a`
    /// and is not changed meanwhile.
    unsafe fn lend<'a>(pointer: *const Self) -> Result<&'a Self> {
        // SAFETY: by this function's contract, NULL or a live value.
        unsafe { pointer.as_ref() }.ok_or_else(null::<Self>)
    }

    /// Lends what C passed to a call that changes it.
    ///
    /// # Safety
    /// As [`Handle::lend`], and no other call uses the handle during `'a`.
    unsafe fn lend_mut<'a>(pointer: *mut Self) -> Result<&'a mut Self> {
        // SAFETY: by this function's contract, NULL or a live value that nobody else uses.
        unsafe { pointer.as_mut() }.ok_or_else(null::<Self>)
    }

    /// Ends the handle's life; NULL is none.
    ///
    /// # Safety
    /// `pointer` is NULL or came from [`Handle::hand_out`] and is in no use, now or later.
    unsafe fn take_back(pointer: *mut Self) {
        if !pointer.is_null() {
            // SAFETY: by this function's contract it is a box given out by hand_out, not yet taken back.
            drop(unsafe { Box::from_raw(pointer) });
        }
    }
}

fn null<T: Handle>() -> Error {
    Error::new(Code::Misuse, format!("{} is NULL", T::NAME))
}
