//! The shard of a process that a scheduler started as one of several: Slurm, Kubernetes, AWS Batch
//! and CI services pass it in environment variables.
//!
//! An index without a total, or one that does not fit the total, is refused. Otherwise a hundred
//! machines might all run the same rounds, and nobody would notice.

use crate::soak::Shard;

/// How a scheduler numbers its tasks.
#[derive(Debug)]
struct Scheduler {
    /// The variable with the number of this task.
    index: &'static str,
    /// The variable with the number of tasks.
    total: &'static str,
    numbers: Numbers,
}

/// The numbers that tasks have.
#[derive(Debug, Clone, Copy)]
enum Numbers {
    /// Consecutive numbers from this one on.
    From(u32),
    /// From the least to the greatest in steps, which these variables contain.
    Range {
        least: &'static str,
        greatest: &'static str,
        step: &'static str,
    },
}

/// The schedulers that document their variables. The first one whose index is set counts, since a
/// Slurm job that a CI job submits inherits the variables of that:
///
/// - Slurm: `sbatch(1)`, output environment variables. They do not contain a limit as in `0-7%4`.
/// - Kubernetes: "Indexed Job". It sets only the index; our manifest sets `JOB_COMPLETIONS`.
/// - AWS Batch: "Job environment variables".
/// - GitLab: `parallel`, predefined variables. Counted from 1; the total is always set.
/// - CircleCI: `parallelism`, built-in variables. Always set, to 0 of 1 without parallelism.
/// - Buildkite: `parallelism`, environment variables.
///
/// GitHub sets none: its workflows pass `strategy.job-index` to `--shard`.
const SCHEDULERS: [Scheduler; 6] = [
    Scheduler {
        index: "SLURM_ARRAY_TASK_ID",
        total: "SLURM_ARRAY_TASK_COUNT",
        numbers: Numbers::Range {
            least: "SLURM_ARRAY_TASK_MIN",
            greatest: "SLURM_ARRAY_TASK_MAX",
            step: "SLURM_ARRAY_TASK_STEP",
        },
    },
    Scheduler {
        index: "JOB_COMPLETION_INDEX",
        total: "JOB_COMPLETIONS",
        numbers: Numbers::From(0),
    },
    Scheduler {
        index: "AWS_BATCH_JOB_ARRAY_INDEX",
        total: "AWS_BATCH_JOB_ARRAY_SIZE",
        numbers: Numbers::From(0),
    },
    Scheduler {
        index: "CI_NODE_INDEX",
        total: "CI_NODE_TOTAL",
        numbers: Numbers::From(1),
    },
    Scheduler {
        index: "CIRCLE_NODE_INDEX",
        total: "CIRCLE_NODE_TOTAL",
        numbers: Numbers::From(0),
    },
    Scheduler {
        index: "BUILDKITE_PARALLEL_JOB",
        total: "BUILDKITE_PARALLEL_JOB_COUNT",
        numbers: Numbers::From(0),
    },
];

/// The shard that the environment names, and the variable that does; `None` if no scheduler set
/// one.
///
/// # Errors
///
/// A variable is missing or does not fit.
pub(in crate::cli::soak) fn shard_of_environment(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<(Shard, &'static str)>, String> {
    let set = SCHEDULERS.iter().find_map(|scheduler| {
        let index = variable(scheduler.index).filter(|index| !index.is_empty());
        index.map(|_| scheduler)
    });
    set.map(|scheduler| {
        scheduler
            .shard(variable)
            .map(|shard| (shard, scheduler.index))
    })
    .transpose()
}

impl Scheduler {
    fn shard(&self, variable: impl Fn(&str) -> Option<String>) -> Result<Shard, String> {
        let text = |name: &str| variable(name).filter(|text| !text.is_empty());
        let number = |name: &str| {
            let text = text(name).ok_or_else(|| {
                let set = self.index;
                format!("{set} is set, but {name} is not, so the shard is unknown")
            })?;
            text.parse::<u32>()
                .map_err(|_| format!("{name} is `{text}`, which is not a number"))
        };
        let (index, of) = (number(self.index)?, number(self.total)?);
        let place = match self.numbers {
            Numbers::From(first) => index.checked_sub(first),
            Numbers::Range {
                least,
                greatest,
                step,
            } => {
                let (least, greatest) = (number(least)?, number(greatest)?);
                let step = number(step)?.max(1);
                let above = index.checked_sub(least);
                let is_even = greatest
                    .checked_sub(least)
                    .is_some_and(|range| u64::from(range / step) + 1 == u64::from(of));
                // With uneven numbers such as `1,2,4`, these variables do not tell that 4 is the
                // third task.
                above
                    .filter(|above| is_even && above % step == 0)
                    .map(|above| above / step)
            }
        };
        match place {
            Some(index) if index < of => Ok(Shard { index, of }),
            _ => Err(format!(
                "{} is {index}, {} is {of}: they do not say which shard this is",
                self.index, self.total
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shard that variables as in `A=1 B=2` name.
    fn shard(environment: &str) -> Result<Option<(u32, u32)>, String> {
        let pairs: Vec<_> = (environment.split(' '))
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let variable = |name: &str| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let named = shard_of_environment(variable)?;
        Ok(named.map(|(shard, _)| (shard.index, shard.of)))
    }

    /// What Slurm sets for a task.
    fn slurm(id: u32, least: u32, greatest: u32, step: u32, count: u32) -> String {
        format!(
            "SLURM_ARRAY_TASK_ID={id} SLURM_ARRAY_TASK_MIN={least} SLURM_ARRAY_TASK_MAX={greatest} \
             SLURM_ARRAY_TASK_STEP={step} SLURM_ARRAY_TASK_COUNT={count}"
        )
    }

    /// Goal: each scheduler's own way to count is understood, and without a scheduler nothing is
    /// assumed.
    #[test]
    fn schedulers_are_understood() {
        for (environment, expected) in [
            ("", None),
            ("HOME=/root", None),
            ("JOB_COMPLETION_INDEX=3 JOB_COMPLETIONS=4", Some((3, 4))),
            (
                "AWS_BATCH_JOB_ARRAY_INDEX=0 AWS_BATCH_JOB_ARRAY_SIZE=10",
                Some((0, 10)),
            ),
            ("CI_NODE_INDEX=1 CI_NODE_TOTAL=2", Some((0, 2))),
            ("CI_NODE_INDEX=2 CI_NODE_TOTAL=2", Some((1, 2))),
            ("CI_NODE_TOTAL=1", None),
            ("CIRCLE_NODE_INDEX=0 CIRCLE_NODE_TOTAL=1", Some((0, 1))),
            (
                "BUILDKITE_PARALLEL_JOB=4 BUILDKITE_PARALLEL_JOB_COUNT=5",
                Some((4, 5)),
            ),
            (
                "JOB_COMPLETION_INDEX= CIRCLE_NODE_INDEX=1 CIRCLE_NODE_TOTAL=2",
                Some((1, 2)),
            ),
        ] {
            assert_eq!(shard(environment), Ok(expected), "{environment}");
        }
    }

    /// Goal: the tasks of a Slurm array are all of its shards, each once, whatever their numbers.
    #[test]
    fn arrays_of_slurm_are_understood() {
        for (least, greatest, step) in [(0, 7, 1), (1, 8, 1), (0, 14, 2), (3, 15, 4), (5, 5, 1)] {
            let ids: Vec<u32> = (least..=greatest).step_by(step as usize).collect();
            let count = u32::try_from(ids.len()).expect("few");
            for (index, id) in (0..).zip(&ids) {
                let environment = slurm(*id, least, greatest, step, count);
                assert_eq!(
                    shard(&environment),
                    Ok(Some((index, count))),
                    "{environment}"
                );
            }
        }
        // `0-15:2`, in case some version of Slurm reports the end as it was written; 22.05 reports
        // 14.
        assert_eq!(shard(&slurm(14, 0, 15, 2, 8)), Ok(Some((7, 8))));
    }

    /// Goal: variables that do not determine a shard are refused by name, and not taken for the
    /// whole soak.
    #[test]
    fn what_does_not_tell_is_refused() {
        for (environment, name) in [
            ("JOB_COMPLETION_INDEX=3", "JOB_COMPLETIONS is not"),
            ("JOB_COMPLETION_INDEX=3 JOB_COMPLETIONS=", "JOB_COMPLETIONS"),
            ("JOB_COMPLETION_INDEX=x JOB_COMPLETIONS=4", "`x`"),
            (
                "JOB_COMPLETION_INDEX=4 JOB_COMPLETIONS=4",
                "JOB_COMPLETIONS is 4",
            ),
            (
                "CI_NODE_INDEX=0 CI_NODE_TOTAL=2",
                "CI_NODE_INDEX is 0, CI_NODE_TOTAL is 2",
            ),
            ("SLURM_ARRAY_TASK_ID=1", "SLURM_ARRAY_TASK_COUNT is not"),
            // `1,2,4`, and `1,3,5,7`, which Slurm does not take for `1-7:2`.
            (&slurm(2, 1, 4, 1, 3), "do not say which"),
            (&slurm(3, 1, 7, 1, 4), "do not say which"),
            (&slurm(9, 1, 8, 1, 8), "do not say which"),
            (&slurm(3, 0, 14, 2, 8), "do not say which"),
            (&slurm(0, 1, 8, 1, 8), "do not say which"),
        ] {
            let refused = shard(environment).expect_err(environment);
            assert!(refused.contains(name), "{environment}: {refused}");
        }
    }
}
