# A repository from its first commit to a packed clone, with names and dates that are always the same.
set -e
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org
export GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' GIT_COMMITTER_DATE='2026-01-01T00:00:00Z'
export HOME="$PWD" GIT_CONFIG_NOSYSTEM=1 LC_ALL=C
git init -q -b main work
cd work
for round in 1 2 3 4 5; do
    for file in 1 2 3 4 5 6 7 8 9 10 11 12; do
        seq $((round * file)) $((round * file + 3000)) > "file$file"
    done
    git add .
    git commit -q -m "round $round"
done
git branch side HEAD~2
git checkout -q side
echo side > side
git add side
git commit -q -m side
git checkout -q main
git merge -q -m merge side
git gc -q
git repack -q -a -d -f --depth=20
git fsck --strict --full
git log --stat --format='%H %s'
git diff --stat HEAD~3
git blame file3 | tail -3
cd ..
git clone -q work copy
cd copy
git fsck --full
git rev-parse HEAD
git count-objects
