//! Registered methods, found by name.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;

use crate::answer::{Answer, Reply};
use crate::argument::{Argument, Parameter};
use crate::error::{ArgumentError, RegisterError, ServerError};

/// A call that was given its argument and has not begun.
pub(crate) type Running = BoxFuture<'static, Result<Answer, ServerError>>;

/// Registered typed async methods.
#[derive(Default)]
pub struct Router {
    services: HashMap<Box<str>, Service>,
}

type Service = HashMap<Box<str>, Registered>;

struct Registered {
    method: Box<dyn Method>,
    calls: AtomicU64,
}

/// A method, and how often it was called; what Go shows at `/debug/rpc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// `Service.Method`.
    pub method: String,
    /// The type of its argument, as Rust writes it.
    pub argument: &'static str,
    /// The type of its reply, as Rust writes it.
    pub reply: &'static str,
    /// Calls that reached it, whatever became of them. As in Go, one whose argument could not be read
    /// did not.
    pub calls: u64,
}

impl Router {
    /// A router without methods.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a method under `Service.Method`.
    ///
    /// # Errors
    ///
    /// The name is not of that form, or is taken.
    pub fn method<A, R, F, Fut>(&mut self, name: &str, f: F) -> Result<&mut Self, RegisterError>
    where
        A: Parameter + Send + 'static,
        R: Reply,
        F: Fn(A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ServerError>> + Send + 'static,
    {
        let name = name.to_owned();
        // Go, too, splits at the last dot.
        let (service, method) = match name.rsplit_once('.') {
            Some((service, method)) if !service.is_empty() && !method.is_empty() => {
                (service, method)
            }
            Some(_) | None => return Err(RegisterError::IllFormed { name }),
        };
        let methods = self.services.entry(service.into()).or_default();
        if methods.contains_key(method) {
            return Err(RegisterError::Taken { name });
        }
        let typed = Typed {
            function: Arc::new(f),
            signature: PhantomData::<fn(A) -> R>,
        };
        let registered = Registered {
            method: Box::new(typed),
            calls: AtomicU64::new(0),
        };
        methods.insert(method.into(), registered);
        Ok(self)
    }

    /// All methods, by name, and how often each was called.
    pub fn usage(&self) -> Vec<Usage> {
        let mut usage = Vec::new();
        for (service, methods) in &self.services {
            usage.extend(methods.iter().map(|(method, registered)| Usage {
                method: format!("{service}.{method}"),
                argument: registered.method.argument(),
                reply: registered.method.reply(),
                calls: registered.calls.load(Ordering::Relaxed),
            }));
        }
        usage.sort_by(|one, other| one.method.cmp(&other.method));
        usage
    }

    /// Finds the method and reads its argument; the error texts are those of Go's server.
    pub(crate) fn start(
        &self,
        name: &str,
        argument: &mut Argument<'_>,
    ) -> Result<Running, ServerError> {
        let (service, method) = name
            .rsplit_once('.')
            .ok_or_else(|| ServerError::ill_formed(name))?;
        let methods = self.services.get(service);
        let methods = methods.ok_or_else(|| ServerError::no_service(name))?;
        let registered = methods.get(method);
        let registered = registered.ok_or_else(|| ServerError::no_method(name))?;
        // How an argument is read is the application's own code, and a panic there is its call's error.
        let started = catch_unwind(AssertUnwindSafe(|| registered.method.start(argument)));
        let running = started.map_err(|_| ServerError::panicked(name))??;
        registered.calls.fetch_add(1, Ordering::Relaxed);
        Ok(running)
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services = self.services.iter();
        f.debug_map()
            .entries(services.map(|(name, methods)| (name, methods.keys())))
            .finish()
    }
}

/// A method whose types are forgotten.
trait Method: Send + Sync {
    fn argument(&self) -> &'static str;
    fn reply(&self) -> &'static str;
    fn start(&self, argument: &mut Argument<'_>) -> Result<Running, ArgumentError>;
}

struct Typed<F, A, R> {
    function: Arc<F>,
    signature: PhantomData<fn(A) -> R>,
}

impl<A, R, F, Fut> Method for Typed<F, A, R>
where
    A: Parameter + Send + 'static,
    R: Reply,
    F: Fn(A) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, ServerError>> + Send + 'static,
{
    fn argument(&self) -> &'static str {
        std::any::type_name::<A>()
    }

    fn reply(&self) -> &'static str {
        std::any::type_name::<R>()
    }

    fn start(&self, argument: &mut Argument<'_>) -> Result<Running, ArgumentError> {
        let argument = argument.decode()?;
        let function = Arc::clone(&self.function);
        // The function itself runs inside the future, where a panic is caught.
        Ok(Box::pin(async move {
            function(argument).await.map(Answer::value)
        }))
    }
}
