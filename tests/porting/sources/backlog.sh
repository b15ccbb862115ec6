#!/bin/bash
# Make a small project with the command line of backlog.md 1.52.0 (npm), in an empty folder
set -e
b() { backlog "$@" < /dev/null; }
git init -q .
git config user.email maria@example.org; git config user.name maria
b init sample --defaults --integration-mode none
b task create "Add OAuth" -d $'Users log in.\n\n### With a heading' -a @ana -l auth,backend --priority high --ac "Login succeeds" --ac "Logout works"
b task create "Write the tests" --dep TASK-1 -a @ben,@ana --priority low --type chore --due-date 2031-05-04
b task create "Part one" -p TASK-2
b task create "Ship it: a \"quoted\" title" -s "In Progress" --plan "Step one" --notes "Notes here" --ref https://example.org/x
b task create "Give up"
b task create "Old work"
b task create "An idea" --draft
b task edit 1 --comment "Which provider?" --comment-author maria
b task edit 3 -s "In Progress"
b task edit 5 -s Done --final-summary "It works"
b task archive 4
b task complete 5
