// What `waxwing doctor` loads, and nothing else: the engine of templates and the settings of the controller among it.
export { examineHealth, examineMigration } from './examine.ts';
export { countOf, printReport, reportDocument } from './report.ts';
