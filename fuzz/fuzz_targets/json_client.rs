//! A stream of JSON replies.

#![no_main]

use carotid_fuzz::LIMIT;
use carotid_netrpc::codec::ReplyReader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let read = |chunk: usize| {
        let mut reader = ReplyReader::json(LIMIT);
        let mut seen = Vec::new();
        for mut input in input.chunks(chunk.max(1)) {
            loop {
                match reader.poll(&mut input) {
                    Ok(Some(mut reply)) => {
                        let text = reply.body.as_str().ok().map(|text| text.into_owned());
                        let args = reply.body.decode::<carotid_fuzz::Args>().is_ok();
                        seen.push((reply.seq, reply.error.into_owned(), text, args));
                    }
                    Ok(None) => break,
                    Err(_) => return (seen, true),
                }
            }
        }
        (seen, false)
    };
    let chunk = input.last().map_or(1, |byte| usize::from(*byte) % 37);
    assert_eq!(read(input.len()), read(chunk));
});
