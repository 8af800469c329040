//! Tests of one behaviour each, which are also called as a story.

/// Makes a test of each function, in an AWS of its own, and `story`, which calls all of them in one account.
macro_rules! behaviours {
    ($($name:ident),* $(,)?) => {
        pub(crate) async fn story(account: &testkit::Account) {
            $($name(account).await;)*
        }

        mod behaviours {
            $(#[tokio::test]
            async fn $name() {
                let way = testkit::InProcess::new(crate::harness::aws());
                let account = testkit::Account::in_process(&way, crate::ACCOUNT).await;
                super::$name(&account).await;
            })*
        }
    };
}
