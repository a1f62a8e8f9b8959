//! Whose name a request may carry. Pure: the files of accounts are handed in. Between two accounts a name stands for
//! its own alone; within one, whoever shares it says who he is, but for a name that has an account of its own among
//! those who may ask.

use super::form::{self, NoRequest};

/// The accounts of this system, as its files tell them.
#[derive(Debug, Clone, Copy)]
pub struct Accounts<'a> {
    /// `/etc/passwd`.
    pub passwd: &'a str,
    /// `/etc/group`.
    pub group: &'a str,
    /// The user who holds the launch.
    pub ours: u32,
    /// The group whose members may ask; none where nobody else may.
    pub shared: Option<u32>,
}

impl Accounts<'_> {
    /// The name under which a request of the user `uid` stands that calls itself `asked`.
    ///
    /// # Errors
    /// The name is another account's.
    pub fn stands(&self, asked: &str, uid: u32) -> Result<String, NoRequest> {
        if uid != self.ours {
            let own = login(self.passwd, uid);
            return if own == asked { Ok(own) } else { Err(NoRequest::Borrowed { asked: asked.to_owned(), own }) };
        }
        let theirs = self.shared.is_some_and(|gid| {
            let another = entries(self.passwd).any(|entry| entry.name == asked && entry.id != self.ours);
            another && self.is_member(asked, gid)
        });
        if theirs { Err(NoRequest::HasOwnAccount(asked.to_owned())) } else { Ok(asked.to_owned()) }
    }

    fn is_member(&self, name: &str, gid: u32) -> bool {
        let primary = entries(self.passwd)
            .any(|entry| entry.name == name && entry.rest.split(':').next() == Some(&gid.to_string()));
        primary
            || entries(self.group).any(|entry| entry.id == gid && entry.rest.split(',').any(|member| member == name))
    }
}

/// A line of either file: name, number, and what follows it.
struct Entry<'a> {
    name: &'a str,
    id: u32,
    rest: &'a str,
}

fn entries(text: &str) -> impl Iterator<Item = Entry<'_>> {
    text.lines().filter_map(|line| {
        let mut fields = line.splitn(4, ':');
        let (name, _, id) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Entry { name, id: id.parse().ok()?, rest: fields.next().unwrap_or_default() })
    })
}

/// What the user `uid` is called, by the lines of `/etc/passwd`.
#[must_use]
pub fn login(passwd: &str, uid: u32) -> String {
    let known = entries(passwd).find(|entry| entry.id == uid).map(|entry| entry.name);
    // Who is called as the launch itself must not be taken for it.
    known.and_then(|name| form::named(name).ok()).unwrap_or_else(|| format!("uid {uid}"))
}

/// The number of the group `name`, by the lines of `/etc/group`; a number is itself.
#[must_use]
pub fn group(groups: &str, name: &str) -> Option<u32> {
    entries(groups).find(|entry| entry.name == name).map(|entry| entry.id).or_else(|| name.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nbroken\nengine:x:7:7::/:/bin/sh\n\
        ana:x:1000:1000::/home/ana:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\ncy:x:1002:50::/home/cy:/bin/sh\n\
        dee:x:1003:1003::/home/dee:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nwar:x:50:ana,bob\nother:x:51:dee\nx\n";

    fn accounts(shared: Option<u32>) -> Accounts<'static> {
        Accounts { passwd: PASSWD, group: GROUP, ours: 1000, shared }
    }

    #[test]
    fn a_name_stands_for_its_own_account_alone() {
        let shared = accounts(Some(50));
        assert_eq!(shared.stands("bob", 1001).expect("himself"), "bob");
        for (asked, uid) in [("ana", 1001), ("bob", 1002), ("Bob", 1001), ("bob", 4242)] {
            let wrong = shared.stands(asked, uid).expect_err(asked).to_string();
            assert!(wrong.contains(&format!("`{asked}`")), "{wrong}");
        }
        assert_eq!(shared.stands("uid 4242", 4242).expect("nobody knows it"), "uid 4242");
        // From the holder's own account: those of the group have theirs, by either file.
        for theirs in ["bob", "cy"] {
            let wrong = shared.stands(theirs, 1000).expect_err(theirs).to_string();
            assert!(wrong.contains("account of its own"), "{wrong}");
        }
        for free in ["ana", "Eve", "dee", "engine"] {
            assert_eq!(shared.stands(free, 1000).expect(free), free);
        }
        // Where nobody else may ask everybody does from this account.
        assert_eq!(accounts(None).stands("bob", 1000).expect("free"), "bob");
    }

    #[test]
    fn files_of_accounts_are_read_as_they_are() {
        assert_eq!(login(PASSWD, 1000), "ana");
        assert_eq!(login(PASSWD, 4242), "uid 4242");
        assert_eq!(login(PASSWD, 7), "uid 7", "nobody is called as the launch itself");
        assert_eq!([group(GROUP, "war"), group(GROUP, "99"), group(GROUP, "none")], [Some(50), Some(99), None]);
    }
}
