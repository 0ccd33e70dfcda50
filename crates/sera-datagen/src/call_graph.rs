//! Who calls whom, by name: functions that many others call matter more, and are asked about more
//! often.
//!
//! Calls are resolved by the last part of their name alone. That is wrong where two functions share
//! one, which gives both the callers of both: a weight, not a fact that anything rests on.
use sera_core::{FunctionKey, Language};
use sera_syntax::{Index, parse};
use std::collections::{BTreeSet, HashMap};

/// How many functions of a tree call each name.
#[derive(Clone, Debug, Default)]
pub struct CallGraph(HashMap<String, usize>);

impl CallGraph {
    /// The calls of the functions of an index's files.
    pub fn of(index: &Index) -> Self {
        let mut callers = HashMap::new();
        for (path, text) in index.texts() {
            let Some(language) = Language::of(path) else { continue };
            for function in parse(language, text).functions() {
                let own = last(&function.name);
                let called: BTreeSet<&str> = function.calls.iter().map(|name| last(name)).collect();
                for name in called.into_iter().filter(|name| *name != own) {
                    *callers.entry(name.to_owned()).or_default() += 1;
                }
            }
        }
        Self(callers)
    }

    /// How much more often a function is chosen than one that nothing calls.
    pub fn weight(&self, function: &FunctionKey) -> f64 {
        let callers = self.0.get(last(&function.name)).copied().unwrap_or(0);
        1.0 + (1.0 + callers as f64).ln()
    }
}

/// The last part of a qualified name.
fn last(name: &str) -> &str {
    name.rsplit(['.', ':', '>']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_core::TreePath;
    use std::sync::Arc;

    #[test]
    fn callers_weigh() {
        let path = TreePath::new("a.py").expect("a path inside the tree");
        let text: Arc<str> = "\
def low(a):
    return a

def one(a):
    return low(a) + low(a)

def two(self, a):
    self.low(a)
    return two(self, a)
"
        .into();
        let graph = CallGraph::of(&Index::build([(path.clone(), text)]));
        let weight =
            |name: &str| graph.weight(&FunctionKey { path: path.clone(), name: name.to_owned() });
        assert_eq!(weight("low"), 1.0 + 3f64.ln());
        assert_eq!(weight("Class.low"), weight("low"));
        assert_eq!([weight("one"), weight("two")], [1.0, 1.0]);
    }
}
