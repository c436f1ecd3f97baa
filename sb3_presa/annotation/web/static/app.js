// The page: each module adds what it shows, and its keys.
import "./answering.js";
import { refresh } from "./asking.js";
import "./columns.js";
import { cover } from "./messages.js";
import { nameTagKeys } from "./details.js";
import "./progress.js";
import "./welcome.js";

nameTagKeys();
cover("Preparing the first clips", "This takes a few seconds.", true);
refresh();
