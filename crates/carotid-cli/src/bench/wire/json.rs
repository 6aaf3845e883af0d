//! JSON as Go's `net/rpc/jsonrpc` writes it.

use serde::Serialize;

/// A call in the order of fields in which Go writes them.
pub(super) fn call(method: &str, argument: &(impl Serialize + ?Sized), number: u32) -> String {
    #[derive(Serialize)]
    struct Call<'a, T: ?Sized> {
        method: &'a str,
        params: [&'a T; 1],
        id: u32,
    }
    let call = Call {
        method,
        params: [argument],
        id: number,
    };
    serde_json::to_string(&call).expect("names and numbers have a JSON form") + "\n"
}

/// Writes a number over as many digits.
pub(super) fn put_digits(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).expect("a digit is below ten");
        number /= 10;
    }
}
