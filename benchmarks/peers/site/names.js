const SHELL = "shell-v1";
const FILES = "files";
const LOG = "log";
